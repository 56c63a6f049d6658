# In the guest: one bond after another, with veth pairs as links; "p" and a link's name is its other end. Argument: the
# check. Each bond is looked at with a history of its own, before and after what happens to it.
check=$1
. "$(dirname "$0")/scenes.sh"

pair() { ip link add $1 address $2 type veth peer name p$1; ip link set p$1 up; }
bond() { name=$1; shift; ip link add $name type bond miimon 50 "$@"; }
look() { label=$1 name=$2; shift 2; mkdir -p -m 700 /run/state/$name
    scene "$label" $check --bond $name --state-dir /run/state/$name "$@"; }
settle() { sleep 0.5; }
A=52:54:00:aa:aa:aa B=52:54:00:bb:bb:bb

mkdir -m 700 /run/state
scene nothing $check --no-history

# LACP first, as its partners give up after a minute only
for n in 1 2 3 4 5 6 7 8; do pair l$n 52:54:00:00:01:0$n; done
ip netns add switch
lag() { bond $1 mode 802.3ad lacp_rate fast; join $1 $2 $3; ip link set $1 up; }
switch() { name=$1 mac=$2; shift 2; ip -n switch link add $name address $mac type bond mode 802.3ad miimon 50 lacp_rate fast
    for link in "$@"; do ip link set $link netns switch; ip -n switch link set $link master $name; done
    ip -n switch link set $name up; }
lag lonely l1 l2
look lacp-soon lonely
since=$(cut -d. -f1 /proc/uptime)
switch sw1 02:00:00:00:0a:01 pl3 pl4; lag one l3 l4
switch sw2 02:00:00:00:0a:02 pl5; switch sw3 02:00:00:00:0a:03 pl6; lag two l5 l6
switch sw4 02:00:00:00:0a:04 pl7; lag half l7 l8

# the links of a bond in mode active-backup
pair ea $A; pair eb $B
bond ab mode active-backup; join ab ea eb; ip link set ab up; settle
look plain ab -v
ip link add link ab name ab.5 type vlan id 5; ip link set ab.5 up; settle
look vlan ab
ip link set pea down; settle
look link-down ab
ip link set peb down; settle
look all-down ab
ip link set pea up; ip link set peb up; settle
ip link set ab down; look switched-off ab
ip link set ab up; settle
for n in 1 2 3 4; do ip link set peb down; sleep 0.2; ip link set peb up; sleep 0.2; done; settle
look flickers ab
look flickers-later ab
look flickers-accepted ab --accept
echo ea > /sys/class/net/ab/bonding/primary; echo failure > /sys/class/net/ab/bonding/primary_reselect
echo eb > /sys/class/net/ab/bonding/active_slave; look primary ab
echo > /sys/class/net/ab/bonding/primary; echo ea > /sys/class/net/ab/bonding/active_slave
ip link set ab address 02:00:00:00:00:03; settle
look set-by-hand ab
look set-by-hand-accepted ab --accept
look set-by-hand-after ab
echo 0 > /sys/class/net/ab/bonding/miimon; look unmonitored ab
echo 50 > /sys/class/net/ab/bonding/miimon
ip link set eb address 52:54:00:00:00:99; look link-mac ab
ip link delete ab
look gone ab
look gone-accepted ab --accept

# the link that lent its MAC
bond lent mode active-backup; join lent ea eb; ip link set lent up; settle
look lent lent
ip link set ea nomaster; settle
look lent-left lent
ip link set eb nomaster; join lent eb ea; settle
look stolen lent
ip link delete lent
bond lent mode active-backup; join lent ea eb; ip link set lent up; settle
look same-again lent
ip link delete lent
bond lent mode active-backup; join lent eb ea; ip link set lent up; settle
look recreated lent
ip link set ea nomaster; ip link set eb nomaster; look emptied lent
ip link set lent down; look emptied-and-off lent
ip link delete lent

# its MAC moves with the active link, or stays
for how in active follow; do
    bond m-$how mode active-backup fail_over_mac $how; join m-$how ea eb; ip link set m-$how up; settle
    look $how m-$how
    ip link set pea down; settle; ip link set pea up; settle
    look $how-failed-over m-$how
    ip link delete m-$how
done

for mode in balance-rr balance-xor broadcast balance-tlb balance-alb; do
    bond m-$mode mode $mode; join m-$mode ea eb; ip link set m-$mode up; settle; look $mode m-$mode
    ip link delete m-$mode
done

# one MAC twice: in a bond, and outside of it (two cards were made so)
pair ec $A
bond twice mode active-backup; join twice ea ec; ip link set twice up; settle; look twice twice
look twice-accepted twice --accept
ip link delete twice
bond card mode active-backup; join card eb eth0; ip link set card up; settle; look card card
ip link delete card

# names that are no names
pair "x'\$|=" 52:54:00:00:02:01; pair '<y>;"' 52:54:00:00:02:02
bond 'b|`=$(x)' mode active-backup; join 'b|`=$(x)' "x'\$|=" '<y>;"'; ip link set 'b|`=$(x)' up; settle
mkdir -p -m 700 /run/state/odd; scene odd-names $check --bond 'b?*x)' --state-dir /run/state/odd
ip link delete 'b|`=$(x)'

ip link add team7 type team; scene team $check --bond 'team*' --no-history
ip netns add elsewhere; ip -n elsewhere link add inside type bond; ip -n elsewhere link set inside up
scene other-namespace nsenter --net=/run/netns/elsewhere $check --no-history
scene absent $check --bond bond9 --no-history

# 64 bonds of four links
for n in $(seq 10 73); do
    echo "link add many$n type bond mode balance-xor miimon 100"
    for leg in 1 2 3 4; do
        echo "link add d$n$leg address 02:00:00:00:$n:0$leg type dummy"
        echo "link set d$n$leg master many$n"
    done
    echo "link set many$n up"
done > /run/batch
ip -batch /run/batch; settle
mkdir -m 700 /run/state/many; many() { scene $1 $check --bond 'many*' --state-dir /run/state/many -t 60; }
many many
ip link set d421 down; settle
many many-but-one

# by now each LACP has found out
while [ $(($(cut -d. -f1 /proc/uptime) - since)) -lt 70 ]; do sleep 1; done
look lacp-none lonely
look lacp-one one -v
look lacp-two two
look lacp-half half
scene lacp-blind setpriv --reuid=65534 --regid=65534 --clear-groups $check --bond one --no-history
scene lacp-blind-none setpriv --reuid=65534 --regid=65534 --clear-groups $check --bond lonely --no-history
ip -n switch link delete sw1; ip -n switch link set pl3 netns 1; ip -n switch link set pl4 netns 1
switch sw9 02:00:00:00:0a:09 pl3 pl4; sleep 5
look lacp-other-partner one
