/* Start-up code of a RISC-V hart: stack, trap vector, and initialization of memory for C. */
    .option arch, +zicsr
    .section .vectors, "ax"
    .globl reset
reset:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, stack_top
    la t0, fault
    csrw mtvec, t0
    la a0, bss_start
    la a1, bss_end
1:  bgeu a0, a1, 2f
    sw zero, 0(a0)
    addi a0, a0, 4
    j 1b
2:  call main
    call program_done

/* semihost(operation, arguments): this instruction sequence, within one page, marks the trap. */
    .section .text.semihost, "ax"
    .globl semihost
    .option norvc
    .balign 16
semihost:
    slli zero, zero, 0x1f
    ebreak
    srai zero, zero, 7
    ret
