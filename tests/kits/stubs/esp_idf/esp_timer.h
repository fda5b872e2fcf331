/* Stands in for ESP-IDF's header. */
#include <stdint.h>

int64_t esp_timer_get_time(void);
