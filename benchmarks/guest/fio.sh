# Two disks that are the same file: one behind this project's device, one behind qemu-storage-daemon. In turn.
# usage of what is printed: "@@ fio ROUND DISK LOAD READ_KIB_S READ_IOPS WRITE_KIB_S WRITE_IOPS"
rounds=$(cat /test/rounds)
seconds=$(cat /test/seconds)

# load DISK NAME OPTIONS...
load() {
    disk=$1
    name=$2
    shift 2
    fio --minimal --name="$name" --filename="/dev/$disk" --ioengine=libaio --direct=1 --iodepth=32 --time_based \
        --runtime="$seconds" --randrepeat=1 "$@" >/tmp/fio 2>/tmp/fio.err || { cat /tmp/fio /tmp/fio.err; exit 1; }
    echo "@@ fio $round $disk $name $(cut -d';' -f7,8,48,49 /tmp/fio | tr ';' ' ')"
}

# The next round begins with the other disk: what one has written, the host's kernel still writes under the other.
both() {
    load "$first" "$@"
    load "$second" "$@"
}

round=0
first=vda
second=vdb
while [ $round -lt "$rounds" ]; do
    both randread-4k --rw=randread --bs=4k
    both randwrite-4k --rw=randwrite --bs=4k
    both read-1m --rw=read --bs=1M
    both write-1m --rw=write --bs=1M
    round=$((round + 1))
    other=$first
    first=$second
    second=$other
done
