/* What a guest does to have more than its share: agent.c. */
#pragma once

/* Attacks for so long; 0, or an error number. Those that take the disk from Linux, `reset` and `panic` do not come back. */
int attack(const char *kind, unsigned milliseconds, int disk);
