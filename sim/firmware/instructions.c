/*
 * QEMU plugin: counts instructions and jumps outside the harness between two calls of `mark`.
 *
 * Arguments: low and high, the address range of the harness; mark, the address of the function;
 * free, the address of an instruction not to count (may be repeated); out, the file for the counts,
 * one per line. Conditional and skipped instructions are counted as well.
 *
 * QEMU translates straight-line pieces of code. jumps, a binary file of 32-bit words, holds for each
 * call of `mark` how many pairs of pieces were seen so far, and how often each pair was executed.
 * pieces, a text file, holds address and instructions of each piece (p) and the pairs (j), in order;
 * piece 0 is the caller's.
 * QEMU's header is not packaged; these are its declarations (plugin API version 1).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*on_tb)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*on_exec)(unsigned vcpu, void *data);
typedef void (*on_end)(uint64_t id, void *data);

extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, on_tb call);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, on_exec call, int flags,
    void *data);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation,
    void *counter, uint64_t amount);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, on_exec call,
    int flags, void *data);
extern void qemu_plugin_register_atexit_cb(uint64_t id, on_end call, void *data);

#define EXPORT __attribute__((visibility("default")))
enum { INLINE_ADD = 0, NO_REGISTERS = 0, MAX_FREE = 1024, MAX_PIECES = 1 << 14, SLOTS = 1 << 16 };

EXPORT int qemu_plugin_version = 1;
static uint64_t count, low, high, at_mark;
static uint64_t free_of_charge[MAX_FREE];
static size_t n_free;
static FILE *out, *jumps, *pieces;

/* Pieces by index; a hash table of the pairs, whose counts are in the order of their first use. */
static struct piece {
    uint64_t at;
    size_t n;
} piece[MAX_PIECES];
static struct slot {
    uint32_t from, to, place; /* place 0: free */
} slots[SLOTS];
static size_t n_pieces = 1, before;
static uint32_t n_pairs, executed[SLOTS];

static void give_up(const char *why)
{
    fprintf(stderr, "instructions: %s\n", why);
    exit(1);
}

static size_t piece_of(uint64_t at, size_t n)
{
    for (size_t i = 1; i < n_pieces; i++) {
        if (piece[i].at == at && piece[i].n == n) {
            return i;
        }
    }
    if (n_pieces == MAX_PIECES) {
        give_up("too many pieces of code");
    }
    piece[n_pieces] = (struct piece){at, n};
    fprintf(pieces, "p %llu %llu\n", (unsigned long long)at, (unsigned long long)n);
    return n_pieces++;
}

static void entered(unsigned vcpu, void *data)
{
    const uint32_t from = (uint32_t)before, to = (uint32_t)(uintptr_t)data;
    size_t i = (from * 40503u + to * 2654435761u) % SLOTS;

    (void)vcpu;
    while (slots[i].place != 0 && (slots[i].from != from || slots[i].to != to)) {
        i = (i + 1) % SLOTS;
    }
    if (slots[i].place == 0) {
        if (n_pairs == SLOTS / 2) {
            give_up("too many pairs of pieces of code");
        }
        slots[i] = (struct slot){from, to, ++n_pairs};
        fprintf(pieces, "j %lu %lu\n", (unsigned long)from, (unsigned long)to);
    }
    executed[slots[i].place - 1]++;
    before = to;
}

static int counts(uint64_t at)
{
    for (size_t i = 0; i < n_free; i++) {
        if (at == free_of_charge[i]) {
            return 0;
        }
    }
    return at < low || at >= high;
}

static void marked(unsigned vcpu, void *data)
{
    (void)vcpu, (void)data;
    fprintf(out, "%llu\n", (unsigned long long)count);
    count = 0;
    fwrite(&n_pairs, sizeof n_pairs, 1, jumps);
    fwrite(executed, sizeof executed[0], n_pairs, jumps);
    memset(executed, 0, n_pairs * sizeof executed[0]);
    before = 0;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    const uint64_t start = qemu_plugin_tb_vaddr(tb);

    (void)id;
    if (start < low || start >= high) {
        void *which = (void *)(uintptr_t)piece_of(start, qemu_plugin_tb_n_insns(tb));

        qemu_plugin_register_vcpu_tb_exec_cb(tb, entered, NO_REGISTERS, which);
    }
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint64_t at = qemu_plugin_insn_vaddr(insn);

        if (at == at_mark) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, NO_REGISTERS, NULL);
        } else if (counts(at)) {
            qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD, &count, 1);
        }
    }
}

static void ended(uint64_t id, void *data)
{
    (void)id, (void)data;
    fclose(out);
    fclose(jumps);
    fclose(pieces);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        const char *value = strchr(argv[i], '=') + 1;

        switch (argv[i][0]) {
        case 'l': low = strtoull(value, NULL, 0); break;
        case 'h': high = strtoull(value, NULL, 0); break;
        case 'm': at_mark = strtoull(value, NULL, 0); break;
        case 'f':
            if (n_free == MAX_FREE) {
                return 1;
            }
            free_of_charge[n_free++] = strtoull(value, NULL, 0);
            break;
        case 'j': jumps = fopen(value, "wb"); break;
        case 'p': pieces = fopen(value, "w"); break;
        default: out = fopen(value, "w"); break;
        }
    }
    if (out == NULL || jumps == NULL || pieces == NULL) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
