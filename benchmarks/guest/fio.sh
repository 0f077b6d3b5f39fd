# Two disks that are the same file: one behind this project's device, one behind qemu-storage-daemon. In turn.
# usage of what is printed: "@@ fio ROUND DISK LOAD READ_KIB_S READ_IOPS WRITE_KIB_S WRITE_IOPS"
rounds=$(cat /test/rounds)
seconds=$(cat /test/seconds)

# load NAME DISK ROUND OPTIONS...
load() {
    name=$1
    disk=$2
    round=$3
    shift 3
    fio --minimal --name="$name" --filename="/dev/$disk" --ioengine=libaio --direct=1 --iodepth=32 --time_based \
        --runtime="$seconds" --randrepeat=1 "$@" >/tmp/fio 2>/tmp/fio.err || { cat /tmp/fio /tmp/fio.err; exit 1; }
    echo "@@ fio $round $disk $name $(cut -d';' -f7,8,48,49 /tmp/fio | tr ';' ' ')"
}

round=0
while [ $round -lt "$rounds" ]; do
    for disk in vda vdb; do load randread-4k $disk $round --rw=randread --bs=4k; done
    for disk in vda vdb; do load randwrite-4k $disk $round --rw=randwrite --bs=4k; done
    for disk in vda vdb; do load read-1m $disk $round --rw=read --bs=1M; done
    for disk in vda vdb; do load write-1m $disk $round --rw=write --bs=1M; done
    round=$((round + 1))
done
