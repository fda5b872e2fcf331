/*
 * How words come to a board, and how they and its exit code leave it.
 *
 *   exchange_open(code)             before anything else
 *   exchange_read(bytes, n, code)   n bytes, all of them
 *   exchange_write(bytes, n, code)  n bytes, all of them
 *   exchange_end(code)              the end, with an exit code; does not return
 *
 * The first three end with their `code` where they fail.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#if defined(__AVR__)
#include "usart.h"
#else
#include "files.h"
#endif

#endif
