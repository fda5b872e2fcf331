/*
 * A QEMU plugin that counts the executed instructions of every function of a bare-metal program:
 *
 *     qemu-system-arm ... -plugin count.so,out=FILE
 *
 * writes lines of "function count", the largest first, when the machine ends. Counts are exact and
 * the same in every run; they say nothing of the pipeline, so they are instructions, not cycles.
 *
 * Plugin interface version 1. Distributions ship QEMU without its header, hence the declarations.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
    void (*callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
    enum qemu_plugin_op op, void *counter, uint64_t add);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
    void (*callback)(qemu_plugin_id_t id, void *data), void *data);

/* Part of the interface: QEMU looks for these two. */
extern int qemu_plugin_version;
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

int qemu_plugin_version = 1;

enum { MAX_FUNCTIONS = 4096 };

static struct function {
    const char *name;
    uint64_t count;
} functions[MAX_FUNCTIONS];
static size_t n_functions;
static char *out;

/* QEMU keeps pointers to the counters: functions never move while the machine runs. */
static struct function *find(const char *name)
{
    for (size_t i = 0; i < n_functions; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    if (n_functions == MAX_FUNCTIONS) {
        fprintf(stderr, "count: more than %d functions\n", MAX_FUNCTIONS);
        exit(1);
    }
    functions[n_functions].name = strdup(name);
    return &functions[n_functions++];
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const char *name = qemu_plugin_insn_symbol(insn);

        qemu_plugin_register_vcpu_insn_exec_inline(
            insn, QEMU_PLUGIN_INLINE_ADD_U64, &find(name ? name : "?")->count, 1);
    }
}

static int larger_first(const void *a, const void *b)
{
    const struct function *f = a, *g = b;

    return (f->count < g->count) - (f->count > g->count);
}

static void finish(qemu_plugin_id_t id, void *data)
{
    FILE *file = fopen(out, "w");

    (void)id;
    (void)data;
    if (!file) {
        perror(out);
        return;
    }
    qsort(functions, n_functions, sizeof functions[0], larger_first);
    for (size_t i = 0; i < n_functions; i++) {
        fprintf(file, "%s %" PRIu64 "\n", functions[i].name, functions[i].count);
    }
    fclose(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
        fprintf(stderr, "count: say out=FILE\n");
        return 1;
    }
    out = strdup(argv[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
