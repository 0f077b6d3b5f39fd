/* The domain `deep` takes more stack than it has. The other one, of lower priority, says that it still runs. */
#include <microkit.h>

#define FRAMES 64
#define FRAME_BYTES 256

/* Each frame knows the one above, so that none can become a loop. */
static unsigned go_deeper(unsigned frames, const volatile char *above)
{
    volatile char frame[FRAME_BYTES];

    frame[0] = *above;
    return frames == 0 ? 0 : go_deeper(frames - 1, frame) + (unsigned)frame[0];
}

void init(void)
{
    if (microkit_name[0] == 'd') {
        microkit_dbg_puts(go_deeper(FRAMES, microkit_name) != 0 ? "deep: came back\n" : "deep: no letter\n");
    } else {
        microkit_dbg_puts("witness: runs\n");
    }
}

void notified(microkit_channel channel)
{
    (void)channel;
}
