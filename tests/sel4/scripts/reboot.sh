# Counts its boots on the disk. The first ends in a reboot, the second in a panic, both with requests under way.
. /test/common
say before "$(digest)"

count_boots
say left "$(digest)"

(while :; do dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null; done) &
(while :; do dd if=/dev/vda of=/dev/null bs=4k iflag=direct 2>/dev/null; done) &
sleep 1
case $boots in
    1) reboot -f ;;
    2)
        echo 1 >/proc/sys/kernel/panic
        echo c >/proc/sysrq-trigger
        ;;
esac
say stays "$(digest)"
while :; do sleep 1000; done
