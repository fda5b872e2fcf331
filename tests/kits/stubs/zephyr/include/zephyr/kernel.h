/* Stands in for Zephyr's header. */
#include <stddef.h>
#include <stdint.h>

uint32_t k_cycle_get_32(void);
