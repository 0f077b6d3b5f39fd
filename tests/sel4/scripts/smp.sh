# Works on each CPU, takes each out and in again, and counts its boots on the disk: the first ends in a reboot, the second
# in a panic on the last CPU, both with all CPUs busy.
. /test/common

last=$(($(nproc) - 1))
all=$(seq 0 $last)

on() { # CPU COMMAND...
    mask=$(printf %x $((1 << $1)))
    shift
    taskset "$mask" "$@"
}

fired() { # CPU: timer interrupts there
    awk -v column=$(($1 + 2)) '/arch_timer/ { print $column }' /proc/interrupts
}

count_boots
say cpus "$(cat /sys/devices/system/cpu/online)"

for cpu in $all; do
    before=$(fired "$cpu")
    on "$cpu" sh -c 'sleep 1; say() { echo "@@ $*"; }; set -- $(cat /proc/self/stat); say runs "${39}"'
    [ "$(fired "$cpu")" -gt "$before" ] && say fires "$cpu"
    check reads on "$cpu" dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct
done

for cpu in $all; do
    echo 0 >/sys/devices/system/cpu/cpu$cpu/online
    say without "$cpu" "$(cat /sys/devices/system/cpu/online)"
    check reads dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct
    echo 1 >/sys/devices/system/cpu/cpu$cpu/online
    say with "$cpu" "$(cat /sys/devices/system/cpu/online)"
done

for cpu in $all; do
    (while :; do on "$cpu" dd if=/dev/vda of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null; done) &
done
sleep 1
case $boots in
    1) reboot -f ;;
    2)
        echo 1 >/proc/sys/kernel/panic
        on "$last" sh -c 'echo c >/proc/sysrq-trigger'
        ;;
esac
say stays
while :; do sleep 1000; done
