#define SERIAL_IRQ_CH 1
#define SERIAL_IRQ 53
