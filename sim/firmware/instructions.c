/*
 * QEMU plugin: counts instructions executed outside the harness between two calls of `mark`.
 *
 * Arguments: low and high, the address range of the harness; mark, the address of the function;
 * free, the address of an instruction not to count (may be repeated); out, the file for the counts,
 * one per line. Conditional and skipped instructions are counted as well.
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
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation,
    void *counter, uint64_t amount);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, on_exec call,
    int flags, void *data);
extern void qemu_plugin_register_atexit_cb(uint64_t id, on_end call, void *data);

#define EXPORT __attribute__((visibility("default")))
enum { INLINE_ADD = 0, NO_REGISTERS = 0, MAX_FREE = 1024 };

EXPORT int qemu_plugin_version = 1;
static uint64_t count, low, high, at_mark;
static uint64_t free_of_charge[MAX_FREE];
static size_t n_free;
static FILE *out;

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
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
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
        default: out = fopen(value, "w"); break;
        }
    }
    if (out == NULL) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
