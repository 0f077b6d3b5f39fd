# First a file system as anybody's; then a driver in user space that does all that a driver must not.
. /test/common
. /test/ring
say before "$(digest)"

FS_MIB=16
# Behind the file system: the driver's own sectors, so that all that it does there is allowed.
MINE=$((FS_MIB * 2048))
WORD=0x5DF6E2B10C4A9387
GARBAGE_WRITES=100
RESETS=3

check mkfs mkfs.ext4 -q -F /dev/vda ${FS_MIB}m
check mount mount /dev/vda /mnt
cp -r /modules /bin/busybox /mnt
wanted=$(sha256sum /mnt/busybox)
check unmount umount /mnt
check fsck fsck.ext4 -f -n /dev/vda
forget

say attack "$(uptime_s)"

# Beside Linux's driver, while it writes.
dd if=/dev/urandom of=/tmp/noise bs=1M count=2 2>/dev/null
(dd if=/tmp/noise of=/dev/vda bs=4k seek=$((FS_MIB * 256)) conv=notrunc,fsync 2>/dev/null && say disturbed-writes $?) &
for value in 1 7 0xffff 0x10000 0x80000000 0xffffffff 0 0 0; do
    register $NOTIFY $value
    register $QUEUE_SEL $value
    register $STATUS 0xffffffff
    register 0x0 $value
    register 0x100 $value
done
register $QUEUE_SEL 0
wait
forget
check disturbed-same sh -c "dd if=/dev/vda bs=4k skip=$((FS_MIB * 256)) count=512 2>/dev/null | cmp - /tmp/noise"

echo virtio0 >/sys/bus/virtio/drivers/virtio_blk/unbind

# What an honest driver sees: without this, nothing that follows means anything.
sound() {
    start_device
    devmem $data 64 $WORD
    request $WRITE $MINE $data 4096
    wrote=$(outcome)
    request $READ $MINE $((data + 0x1000)) 4096
    echo "$wrote $(outcome) $(devmem $((data + 0x1000)) 64)"
}
say sound-at-first "$(sound)"

# hostile NAME COMMAND...: the device before it is a new one, what is said is what became of it.
hostile() {
    name=$1
    shift
    start_device
    "$@"
    say hostile "$name" "$(outcome)"
}
one_more() {
    prepare $READ $MINE $data 4096
    descriptor "$@"
    submit 0
}
jump() {
    prepare $READ $MINE $data 4096
    devmem $((available + 2)) 16 "$1"
    register $NOTIFY 0
}
head_is() {
    prepare $READ $MINE $data 4096
    submit "$1"
}
misplaced() {
    prepare $READ $MINE $data 4096
    place_queue "$@"
    submit 0
}
ram_end=$((ram + $(cat /test/ram_mib) * 1048576))
far=0x7ffffffffffff000
hostile write-behind-the-end request $WRITE "$sectors" $data 4096
hostile write-across-the-end request $WRITE $((sectors - 1)) $data 4096
hostile write-very-far request $WRITE -8 $data 4096
hostile read-behind-the-end request $READ "$sectors" $data 4096
hostile unknown-type request 2147483647 $MINE $data 4096
hostile part-of-a-sector request $WRITE $MINE $data 100
hostile data-at-zero request $WRITE $MINE 0 4096
hostile data-in-registers request $WRITE $MINE $((mmio)) 4096
hostile data-behind-ram request $READ $MINE $ram_end 4096
hostile data-across-the-end-of-ram request $READ $MINE $((ram_end - 512)) 4096
hostile data-very-far request $READ $MINE $far 4096
hostile data-wraps request $READ $MINE -512 4096
hostile data-too-long request $READ $MINE $data 0xfffffe00
hostile loop one_more 1 $data 512 $HAS_NEXT 1
hostile wild-next one_more 1 $data 512 $HAS_NEXT 60000
hostile indirect one_more 0 $header 16 4 0
hostile wild-head head_is 60000
hostile wild-index jump 30000
hostile descriptors-at-zero misplaced $QUEUE_SIZE 0 $available $used
hostile available-behind-ram misplaced $QUEUE_SIZE $descriptors $ram_end $used
hostile used-very-far misplaced $QUEUE_SIZE $descriptors $available $far
hostile no-queue-size misplaced 0 $descriptors $available $used
hostile odd-queue-size misplaced 3 $descriptors $available $used
hostile huge-queue-size misplaced 0xffffffff $descriptors $available $used
say sound-after-requests "$(sound)"

# Any value into any register; the same ones in each run.
noise=1
draw() { noise=$(((noise * 1103515245 + 12345) & 0x7fffffff)); }
i=0
while [ $i -lt $GARBAGE_WRITES ]; do
    draw
    offset=$((noise >> 8 & 0x1fc))
    draw
    devmem $((mmio + offset)) 32 $((noise << 1 & 0xffffffff))
    i=$((i + 1))
done
for width in 8 16 64; do
    devmem $((mmio + STATUS)) $width 0xff
    devmem $((mmio + NOTIFY)) $width >/dev/null
done
say sound-after-garbage "$(sound)"

i=0
while [ $i -lt $RESETS ]; do
    start_device
    prepare $WRITE $MINE $data 65536
    submit 0
    submit 0
    submit 0
    register $STATUS 0
    i=$((i + 1))
done
say sound-after-resets "$(sound)"
say attacked "$(uptime_s)"

# Linux takes a device as it is, and refuses one whose queue is in use.
reset_device
check bind sh -c 'echo virtio0 >/sys/bus/virtio/drivers/virtio_blk/bind'
check mount-again mount /dev/vda /mnt
check files-same [ "$wanted" = "$(sha256sum /mnt/busybox)" ]
check unmount-again umount /mnt
check fsck-again fsck.ext4 -f -n /dev/vda
say after "$(digest)"

# Nothing is there.
say leaves "$(hex $ram_end)"
say left "$(devmem $ram_end 32)"
