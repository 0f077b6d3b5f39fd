# What a Linux sees of a back end that is killed and started again: nothing.

say() { echo "@@ $*"; }
digest() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    sha256sum "$1" | cut -d' ' -f1
}
hundredths() { cut -d' ' -f1 /proc/uptime | tr -d .; }

# Parts of blocks take two steps, so that requests end in another order than they began.
say load
fio --name=load --filename=/dev/vda --ioengine=libaio --direct=1 --rw=randwrite --bsrange=512-32k --blockalign=512 \
    --serialize_overlap=1 --iodepth=24 --size=48M --verify=crc32c --verify_fatal=1 --randseed=11 >/tmp/output 2>&1
status=$?
[ $status -eq 0 ] || cat /tmp/output
say load-verified $status

# The host now starts one whose flushes take long.
say slow-flush
read -r _
before=$(hundredths)
dd if=/bin/busybox of=/dev/vda bs=4096 count=1 conv=notrunc,fsync 2>/dev/null
say flush-failed $?
say flush-ms $((($(hundredths) - before) * 10))

say digest-vda "$(digest /dev/vda)"
say digest-vdb "$(digest /dev/vdb)"
