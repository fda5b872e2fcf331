/*
 * Two generated designs in one firmware: a memory, `history`, and a network, `gate`.
 *
 * The main loop runs a pair of them, and a periodic interrupt, which interrupts the steps of the main
 * loop, runs another pair on the same samples. Each prints a hash of all its output words and saved
 * states: equal hashes mean equal words.
 */
#include "bench.h"
#include "gate.h"
#include "history.h"

#define N_SAMPLES 1000
#define SEQUENCE 298 /* the gate's sequences; the last one is shorter */
#define TICK 4999    /* cycles; a prime number: every place in a step is interrupted some time */

/* The functions called here are those of this interface. */
#if GATE_INTERFACE != 2 || HISTORY_INTERFACE != 2
#error "this firmware is written for interface 2 of the generated code"
#endif

/* One instance of each design, and what it has been through. */
struct pair {
    history_state history;
    gate_state gate;
    uint32_t noise;
    uint32_t hash;
    int n_samples;
    int failed;
};

static struct pair in_loop, in_tick;
static volatile int ticks_done, loop_is_busy, n_interrupted;

/* Store both states in a block that outlasts a reset of the processor, and start again from it. */
static void power_cycle(struct pair *p)
{
    uint8_t block[HISTORY_SAVED_BYTES + GATE_SAVED_BYTES];

    if (history_save(&p->history, block, HISTORY_SAVED_BYTES) != HISTORY_OK
        || gate_save(&p->gate, block + HISTORY_SAVED_BYTES, GATE_SAVED_BYTES) != GATE_OK) {
        p->failed = 1;
    }
    p->hash = hash_bytes(p->hash, block, sizeof block);
    history_init(&p->history);
    gate_init(&p->gate);
    if (history_load(&p->history, block, HISTORY_SAVED_BYTES) != HISTORY_OK
        || gate_load(&p->gate, block + HISTORY_SAVED_BYTES, GATE_SAVED_BYTES) != GATE_OK) {
        p->failed = 1;
    }
}

static void start(struct pair *p)
{
    history_init(&p->history);
    gate_init(&p->gate);
    p->noise = SENSOR_SEED;
    p->hash = HASH_SEED;
    p->n_samples = 0;
    p->failed = 0;
}

/* Read the sensors, run both designs, hash what they say. */
static void sample(struct pair *p)
{
    const int32_t vibration = (int32_t)(next_noise(&p->noise) >> 21) - 1024; /* mV */
    const int32_t temperature = 200 + (int32_t)(next_noise(&p->noise) >> 25); /* 0.1 degC */
    const history_in u[HISTORY_N_IN] = {history_u_to_word_int(vibration)};
    const gate_in x[GATE_N_IN] = {
        gate_x_to_word_int(GATE_X_CH_VIBRATION, vibration),
        gate_x_to_word_int(GATE_X_CH_TEMPERATURE, temperature),
    };
    const int due = gate_ready(&p->gate); /* every fourth step: only then is the history read too */
    history_out delayed[HISTORY_N_OUT];
    gate_out score[GATE_N_OUT];

    if (history_step(&p->history, u, due ? delayed : NULL) == HISTORY_OUTPUT) {
        for (size_t i = 0; i < HISTORY_N_OUT; i++) {
            p->hash = hash_word(p->hash, delayed[i]);
        }
    }
    if (gate_step(&p->gate, x, score) == GATE_OUTPUT) {
        for (size_t i = 0; i < GATE_N_OUT; i++) {
            p->hash = hash_word(p->hash, score[i]);
        }
    }
    p->n_samples++;
    if (p->n_samples % SEQUENCE == 0) {
        power_cycle(p);
        gate_reset(&p->gate); /* a new sequence; the history goes on */
    }
}

static void tick(void)
{
    if (in_tick.n_samples < N_SAMPLES) {
        n_interrupted += loop_is_busy;
        sample(&in_tick);
    } else {
        ticks_done = 1;
    }
}

int main(void)
{
    start(&in_loop);
    start(&in_tick);
    board_start_ticks(tick, TICK);
    loop_is_busy = 1;
    while (in_loop.n_samples < N_SAMPLES) {
        sample(&in_loop);
    }
    loop_is_busy = 0;
    while (!ticks_done) {
        board_wait();
    }
    power_cycle(&in_loop);
    power_cycle(&in_tick);
    print_number("loop", in_loop.hash);
    print_number("interrupt", in_tick.hash);
    print_number("interrupted", (uint32_t)n_interrupted);
    return in_loop.failed || in_tick.failed;
}
