# Small and large blocks at once, each checked when it is read; then a last word in every block, for the host to check.
. /test/common

say cpus "$(nproc)"
say ram-mib $(($(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo) / 1024))
HALF=$((sectors / 2 * 512))
COMMON="--filename=/dev/vda --size=$HALF --ioengine=libaio --direct=1 --verify=crc32c --verify_fatal=1 --minimal"

check fio fio $COMMON --rw=randrw --iodepth=16 --verify_backlog=256 --time_based --runtime="$(cat /test/seconds)" \
    --name=small --offset=0 --bs=4k --name=large --offset=$HALF --bs=64k
grep -E '^3;' /tmp/output | while IFS=';' read -r _ _ name _ error read_kib _ read_iops _ rest; do
    say "$name" "error $error read-kib $read_kib iops $read_iops"
done
check last fio $COMMON --rw=write --iodepth=4 --bs=256k --do_verify=0 --name=last --size=100%
say written
while :; do sleep 1000; done
