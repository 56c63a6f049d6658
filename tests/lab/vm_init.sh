#!/bin/busybox sh
# The first process of a virtual machine (virtual_machine.py): first in the initrd, where it puts the root together, then
# in that root, where it runs the command.
if [ $$ = 1 ] && [ "$1" != command ]; then
    /bin/busybox --install -s /bin
    export PATH=/bin
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t devtmpfs dev /dev
    . /modules/load
    mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host
    mount -t tmpfs tmpfs /up
    mkdir /up/written /up/work /up/root
    mount -t overlay -o lowerdir=/host,upperdir=/up/written,workdir=/up/work root /up/root
    for place in dev proc sys; do mount --move /$place /up/root/$place; done
    mount -t tmpfs tmpfs /up/root/run
    mkdir /up/root/run/vm /up/root/run/vm/answer
    cp /bin/busybox /init /command /kept /up/root/run/vm/
    exec switch_root /up/root /bin/sh /run/vm/init command
fi
vm=/run/vm
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none answer $vm/answer
ip link set lo up
kept=$(cat $vm/kept)
if [ -n "$kept" ]; then
    mount -t ext4 /dev/vda "$kept"
fi
sh $vm/command </dev/null >$vm/answer/stdout 2>$vm/answer/stderr
status=$?
if [ -n "$kept" ]; then
    umount "$kept" || mount -o remount,ro "$kept"
fi
echo $status >$vm/answer/status
sync
$vm/busybox poweroff -f
