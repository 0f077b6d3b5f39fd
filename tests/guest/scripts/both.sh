# A client of disks that another Linux drives.

say() { echo "@@ $*"; }
check() {
    name=$1
    shift
    "$@" >/tmp/output 2>&1
    status=$?
    [ $status -eq 0 ] || cat /tmp/output
    say "$name" $status
}
digest() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    sha256sum "$1" | cut -d' ' -f1
}

for disk in vda vdb; do
    say "size-$disk" "$(cat /sys/block/$disk/size)"
done
check verify fio --name=verify --filename=/dev/vdb --ioengine=libaio --direct=1 --rw=randwrite --bsrange=512-256k \
    --blockalign=512 --iodepth=16 --size=4M --verify=crc32c --verify_fatal=1 --randseed=7 --serialize_overlap=1 &
check mkfs mkfs.ext4 -q /dev/vda
check mount mount /dev/vda /mnt
cp -r /modules /bin/busybox /mnt
wanted=$(sha256sum /mnt/busybox)
check unmount umount /mnt
check fsck fsck.ext4 -f -n /dev/vda
wait
check mount-again mount /dev/vda /mnt
check files-same [ "$wanted" = "$(sha256sum /mnt/busybox)" ]
check unmount-again umount /mnt
for disk in vda vdb; do
    say "digest-$disk" "$(digest /dev/$disk)"
done
