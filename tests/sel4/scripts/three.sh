# Three disks of two block subsystems: two of them are mounted at once, each with a file system of its own.
say() { echo "@@ $*"; }

for disk in vda vdb vdc; do
    say "$disk $(cat /sys/block/$disk/size) $(cat /sys/block/$disk/ro) $(head -n 1 /dev/$disk)"
done
mkdir -p /a /b
for disk in vda vdb; do
    mke2fs -q -F /dev/$disk || say "mke2fs $disk failed"
done
mount -t ext2 /dev/vda /a && mount -t ext2 /dev/vdb /b && say "mounted $(grep -c ' ext2 ' /proc/mounts)"
head -c 4M /dev/urandom >/tmp/noise
cp /tmp/noise /a/one &
cp /tmp/noise /b/two
wait
sync
echo 3 >/proc/sys/vm/drop_caches
cmp /tmp/noise /a/one && cmp /tmp/noise /b/two && say same
# A guest may try; the host's image tells.
dd if=/tmp/noise of=/dev/vdc bs=4k count=1 conv=fsync 2>/dev/null
sync
umount /a && umount /b && say unmounted
while :; do sleep 1000; done
