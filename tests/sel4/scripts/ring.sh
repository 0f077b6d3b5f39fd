# A virtio block driver made of devmem: registers of the device, and a queue in RAM that was kept from the kernel.
# It has no opinion on what is put where, so it can be as wrong as it likes (virtio 1.2, 2.7, 4.2.2 and 5.2.6).

FEATURES=0x20 FEATURES_SEL=0x24 QUEUE_SEL=0x30 QUEUE_NUM=0x38 QUEUE_READY=0x44 NOTIFY=0x50 STATUS=0x70
DESCRIPTORS_LOW=0x80 DESCRIPTORS_HIGH=0x84 AVAILABLE_LOW=0x90 AVAILABLE_HIGH=0x94 USED_LOW=0xa0 USED_HIGH=0xa4
NEEDS_RESET=0x40
READ=0 WRITE=1
HAS_NEXT=1 DEVICE_WRITES=2
QUEUE_SIZE=8
UNANSWERED=0xFF
# Each look is a process of its own, and takes its time.
LOOKS=15

mmio=0x$(sed -n 's/^ *\([0-9a-f]*\)-.*virtio.*/\1/p' /proc/iomem | head -n 1)
ram=0x$(ls /proc/device-tree | sed -n 's/^memory@//p')
own=$((ram + $(cat /test/kernel_mib) * 1048576))
descriptors=$own
available=$((own + 0x1000))
used=$((own + 0x2000))
header=$((own + 0x3000))
answer=$((own + 0x4000))
data=$((own + 0x10000))

hex() { printf 0x%x "$1"; }
register() { devmem $((mmio + $1)) 32 $(($2)); }
device_status() { devmem $((mmio + STATUS)) 32; }

reset_device() {
    register $STATUS 0
    look=0
    while [ $(($(device_status))) -ne 0 ] && [ $look -lt $LOOKS ]; do
        look=$((look + 1))
    done
}

# wide LOW HIGH ADDRESS
wide() {
    register "$1" $(($3 & 0xffffffff))
    register "$2" $(($3 >> 32 & 0xffffffff))
}

# place_queue SIZE DESCRIPTORS AVAILABLE USED: resets the device, and shows it a queue.
place_queue() {
    reset_device
    register $STATUS 3
    register $FEATURES_SEL 1
    register $FEATURES 1
    register $STATUS 11
    register $QUEUE_NUM "$1"
    wide $DESCRIPTORS_LOW $DESCRIPTORS_HIGH "$2"
    wide $AVAILABLE_LOW $AVAILABLE_HIGH "$3"
    wide $USED_LOW $USED_HIGH "$4"
    register $QUEUE_READY 1
    register $STATUS 15
}

start_device() {
    devmem $available 32 0
    devmem $used 32 0
    next=0
    place_queue $QUEUE_SIZE $descriptors $available $used
}

# descriptor INDEX ADDRESS BYTES FLAGS NEXT
descriptor() {
    devmem $((descriptors + 16 * $1)) 64 "$(hex "$2")"
    devmem $((descriptors + 16 * $1 + 8)) 64 "$(hex $(($3 | $4 << 32 | $5 << 48)))"
}

# submit HEAD
submit() {
    devmem $((available + 4 + 2 * (next % QUEUE_SIZE))) 16 "$1"
    next=$((next + 1))
    devmem $((available + 2)) 16 $((next & 0xffff))
    register $NOTIFY 0
}

# prepare TYPE SECTOR ADDRESS BYTES: a request in the first three descriptors.
prepare() {
    devmem $header 64 "$1"
    devmem $((header + 8)) 64 "$(hex "$2")"
    devmem $answer 8 $UNANSWERED
    descriptor 0 $header 16 $HAS_NEXT 1
    if [ "$1" -eq $READ ]; then
        descriptor 1 "$3" "$4" $((HAS_NEXT | DEVICE_WRITES)) 2
    else
        descriptor 1 "$3" "$4" $HAS_NEXT 2
    fi
    descriptor 2 $answer 1 $DEVICE_WRITES 0
}

request() {
    prepare "$@"
    submit 0
}

# What became of the last request: the answer's byte, or what the device did instead.
outcome() {
    look=0
    while [ $look -lt $LOOKS ]; do
        byte=$(devmem $answer 8)
        [ "$byte" = $UNANSWERED ] || { echo "$byte" && return; }
        [ $(($(device_status) & NEEDS_RESET)) -eq 0 ] || { echo needs-reset && return; }
        look=$((look + 1))
    done
    echo nothing
}
