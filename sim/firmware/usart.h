/*
 * Input and output through the serial port of an ATmega; see exchange.h. It reports no errors, so
 * `code` is unused.
 *
 * The exit code is the last byte. The program then reads for ever: the input ends with the escape
 * sequence that stops the emulator.
 */
#ifndef USART_H
#define USART_H

#include <stddef.h>
#include <stdint.h>

/* USART 0, at the same addresses in the ATmega328P and the ATmega2560. */
#define UCSR0A (*(volatile uint8_t *)0xC0)
#define UCSR0B (*(volatile uint8_t *)0xC1)
#define UCSR0C (*(volatile uint8_t *)0xC2)
#define UDR0 (*(volatile uint8_t *)0xC6)

enum {
    USART_RECEIVED = 0x80, /* of UCSR0A */
    USART_CAN_SEND = 0x20,
    USART_BOTH_WAYS = 0x18, /* of UCSR0B */
    USART_8N1 = 0x06, /* of UCSR0C */
    GUARD = 0xA5,
    STACK_RAN_OVER = 15 /* an exit code */
};

/* Guard bytes below the stack, from the linker script, because there is no memory protection. */
extern volatile uint8_t stack_guard[], stack_bottom[];

static inline uint8_t usart_get(void)
{
    while (!(UCSR0A & USART_RECEIVED)) {
    }
    return UDR0;
}

static inline void usart_put(uint8_t byte)
{
    while (!(UCSR0A & USART_CAN_SEND)) {
    }
    UDR0 = byte;
}

static inline void exchange_end(int code)
{
    for (volatile uint8_t *p = stack_guard; p < stack_bottom; p++) {
        if (*p != GUARD) {
            code = STACK_RAN_OVER;
        }
    }
    usart_put((uint8_t)code);
    for (;;) {
        usart_get();
    }
}

static inline void exchange_open(int code)
{
    (void)code;
    for (volatile uint8_t *p = stack_guard; p < stack_bottom; p++) {
        *p = GUARD;
    }
    UCSR0B = USART_BOTH_WAYS;
    UCSR0C = USART_8N1;
}

static inline void exchange_read(void *bytes, size_t n, int code)
{
    (void)code;
    for (uint8_t *p = bytes; n > 0; n--) {
        *p++ = usart_get();
    }
}

static inline void exchange_write(const void *bytes, size_t n, int code)
{
    (void)code;
    for (const uint8_t *p = bytes; n > 0; n--) {
        usart_put(*p++);
    }
}

#endif
