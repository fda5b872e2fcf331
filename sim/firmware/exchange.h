/*
 * Input, output and exit code of a program on a board.
 *
 *   exchange_open(code)             call this first
 *   exchange_read(bytes, n, code)   read exactly n bytes
 *   exchange_write(bytes, n, code)  write exactly n bytes
 *   exchange_end(code)              exit; does not return
 *
 * The first three exit with `code` if they fail.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#if defined(__AVR__)
#include "usart.h"
#else
#include "files.h"
#endif

#endif
