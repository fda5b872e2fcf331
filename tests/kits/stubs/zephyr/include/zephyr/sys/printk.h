/* Stands in for Zephyr's header. */
void printk(const char *format, ...);
