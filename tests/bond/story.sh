# In the guest, once per boot. Three bonds of two cards each: one as people write it, one with a pinned MAC, and one in
# mode 802.3ad that ifupdown makes and whose links join as they appear. Arguments: the check; "forwards" or "backwards",
# the order of links; where ifupdown and ifenslave are unpacked.
check=$1 order=$2 guest=$3 state=/mnt/nobody
. "$(dirname "$0")/scenes.sh"

if [ ! -d $state ]; then
    mkdir -m 700 $state
    chown nobody $state
fi
tar -C "$guest" -c . | tar -C / -x --keep-directory-symlink
mkdir /run/network
cat > /etc/network/interfaces <<'END'
allow-hotplug eth4 eth5
iface eth4 inet manual
    bond-master lag
iface eth5 inet manual
    bond-master lag
auto lag
iface lag inet manual
    bond-slaves none
    bond-mode 802.3ad
    bond-miimon 100
END

ip link add bond1 type bond mode active-backup miimon 100
ip link add bond2 type bond mode active-backup miimon 100
ip link set bond2 address 02:00:00:00:00:02
ifup --allow=auto lag
[ $order = forwards ] && set -- 0 1 2 3 || set -- 1 0 3 2
join bond1 eth$1 eth$2
join bond2 eth$3 eth$4
# cards that are plugged in one after the other: each joins when it appears
for card in eth4 eth5; do device=$(basename $(readlink /sys/class/net/$card/device)); eval $card=$device
    echo $device > /sys/bus/pci/drivers/e1000/unbind; done
[ $order = forwards ] && set -- $eth4 $eth5 || set -- $eth5 $eth4
for device in "$@"; do
    echo $device > /sys/bus/pci/drivers/e1000/bind
    card=$(ls /sys/bus/pci/devices/$device/net)
    [ $device = $eth4 ] && name=eth4 || name=eth5
    [ $card = $name ] || ip link set $card name $name
    ifup --allow=hotplug $name # as udev does
done
ip link set bond1 up; ip link set bond2 up
sleep 4

alone() { label=$1; shift; scene "$label" setpriv --reuid=65534 --regid=65534 --clear-groups $check --state-dir $state "$@"; }
alone first --bond 'bond*'
alone chance --bond lag
if [ $order = backwards ]; then
    scene root $check --state-dir /run/root --bond 'bond*'
    alone again --bond 'bond*'
    alone expected --bond bond1 --mac 52:54:00:00:00:01
    alone unexpected --bond bond1 --mac 52:54:00:00:00:00
    scene accept $check --state-dir $state --state-user nobody --accept --bond bond1
    alone after --bond 'bond*'
fi
