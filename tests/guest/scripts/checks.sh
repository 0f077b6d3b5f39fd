# What a Linux does with three disks: vda and vdb are partitions of their own, vdc a read-only one.
# busybox prefers its own blkdiscard, which knows no zeroes, to one on PATH.

say() { echo "@@ $*"; }

# check NAME COMMAND...: says the command's exit status, and shows its output when it failed.
check() {
    name=$1
    shift
    "$@" >/tmp/output 2>&1
    status=$?
    [ $status -eq 0 ] || cat /tmp/output
    say "$name" $status
}

queue() { cat "/sys/block/$1/queue/$2"; }

# Digest of all of a disk, read from the disk.
digest() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    sha256sum "$1" | cut -d' ' -f1
}

# fio_verify NAME OPTIONS...: writes, then reads everything back and compares.
fio_verify() {
    name=$1
    shift
    check "$name" fio --name="$name" --ioengine=libaio --direct=1 --verify=crc32c --verify_fatal=1 --randseed=7 \
        --serialize_overlap=1 "$@"
}

for disk in vda vdb vdc; do
    say "size-$disk" "$(cat /sys/block/$disk/size)"
    say "read-only-$disk" "$(cat /sys/block/$disk/ro)"
    say "logical-$disk" "$(queue $disk logical_block_size)"
    say "physical-$disk" "$(queue $disk physical_block_size)"
    say "cache-$disk" "$(queue $disk write_cache)"
done
say sectors-before-vdc "$(digest /dev/vdc)"

# Two clients at once: a file system on one, verified writes on the other.
fio_verify verify-mixed --filename=/dev/vdb --rw=randrw --bsrange=512-1M --blockalign=512 --iodepth=16 --size=24M &
check mkfs mkfs.ext4 -q /dev/vda
check mount mount /dev/vda /mnt
dd if=/dev/urandom of=/mnt/noise bs=64k count=160 2>/dev/null
cp -r /modules /bin/busybox /mnt
wanted=$(sha256sum /mnt/noise /mnt/busybox)
check unmount umount /mnt
check fsck fsck.ext4 -f -n /dev/vda
wait
echo 3 >/proc/sys/vm/drop_caches
check mount-again mount /dev/vda /mnt
check files-same [ "$wanted" = "$(sha256sum /mnt/noise /mnt/busybox)" ]

# Every fsync of a file system that nobody else uses.
say sync-begin
read -r _
for i in 1 2 3 4 5; do
    dd if=/bin/busybox of=/dev/vdb bs=4096 count=1 seek=$i conv=notrunc,fsync 2>/dev/null
done
say sync-end
read -r _
check unmount-again umount /mnt

fio_verify verify-small --filename=/dev/vdb --rw=randwrite --bs=512 --iodepth=32 --size=512k
fio_verify verify-pages --filename=/dev/vdb --rw=randwrite --bs=4k --iodepth=32 --size=4M
fio_verify verify-deep --filename=/dev/vdb --rw=randwrite --bsrange=512-64k --blockalign=512 --iodepth=128 --size=8M
fio_verify verify-large --filename=/dev/vdb --rw=write --bs=1M --iodepth=4 --size=24M
fio_verify verify-one --filename=/dev/vdb --rw=randwrite --bsrange=512-1M --blockalign=512 --iodepth=1 --size=8M

head -c 4194304 /dev/zero >/tmp/zeroes
check discard /usr/bin/blkdiscard -o 1048576 -l 4194304 /dev/vdb
check zero-out /usr/bin/blkdiscard -z -o 8388608 -l 4194304 /dev/vdb
check zero-out-sectors /usr/bin/blkdiscard -z -o 16777728 -l 1024 /dev/vdb
echo 3 >/proc/sys/vm/drop_caches
check discarded-is-zero sh -c 'tail -c +1048577 /dev/vdb | head -c 4194304 | cmp - /tmp/zeroes'
check zeroed-is-zero sh -c 'tail -c +8388609 /dev/vdb | head -c 4194304 | cmp - /tmp/zeroes'

dd if=/bin/busybox of=/dev/vdc bs=4096 count=1 2>/dev/null
say write-read-only $?
mount -t ext4 /dev/vdc /mnt 2>/dev/null
say mount-read-only $?

# The driver lets the device go and takes it again.
device=$(basename "$(readlink -f /sys/block/vdb/device)")
before=$(digest /dev/vdb)
echo "$device" >/sys/bus/virtio/drivers/virtio_blk/unbind
check unbound [ ! -e /sys/block/vdb ]
echo "$device" >/sys/bus/virtio/drivers/virtio_blk/bind
check same-after-reset [ "$before" = "$(digest /dev/vdb)" ]
fio_verify verify-after-reset --filename=/dev/vdb --rw=randwrite --bs=4k --iodepth=8 --size=1M

for disk in vda vdb vdc; do
    say "digest-$disk" "$(digest /dev/$disk)"
done
