#include "esp_timer.h"

int64_t esp_timer_get_time(void)
{
    static int64_t now;

    return now += 640;
}
