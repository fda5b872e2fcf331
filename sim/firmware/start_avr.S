/* Start-up code of an ATmega. libgcc's code in .init4 copies .data and clears .bss: see avr.ld. */
    .section .vectors, "ax"
    .globl reset
reset:
    /* the only vector, because interrupts stay disabled */
    jmp begin

    .section .init2, "ax"
begin:
    clr r1 /* the compiler's zero register */
    ldi r28, lo8(stack_top - 1) /* the stack pointer points to the next free byte */
    ldi r29, hi8(stack_top - 1)
    out 0x3e, r29 /* SPH */
    out 0x3d, r28 /* SPL */

    .section .init9, "ax"
    call main
    call program_done
