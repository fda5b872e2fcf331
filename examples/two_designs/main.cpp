// main.c again, with the C++11 classes of the designs, floating-point values and named channels.
#include "bench.h"
#include "gate.hpp"
#include "history.hpp"

namespace {

const int N_SAMPLES = 1000;
const int SEQUENCE = 298; // the gate's sequences; the last one is shorter
const uint32_t TICK = 4999; // cycles; a prime number: every place in a step is interrupted some time

// One instance of each design, and what it has been through.
class Pair {
public:
    // Read the sensors, run both designs, hash what they say.
    void sample()
    {
        const float vibration = static_cast<float>(next_noise(&noise_) >> 21) - 1024.0f; // mV
        const float temperature = 200.0f + static_cast<float>(next_noise(&noise_) >> 25); // 0.1 degC
        const bool due = gate_.ready();
        history_out delayed[HISTORY_N_OUT];
        gate_out score[GATE_N_OUT];

        if (due) {
            history_.step(lmu_hw::history::channel::vibration(vibration), delayed);
            hash(delayed);
        } else {
            history_.skip({history_u_to_word(vibration)});
        }
        // the types name the channels: a swapped pair does not compile
        if (gate_.step(lmu_hw::gate::channel::vibration(vibration),
                lmu_hw::gate::channel::temperature(temperature), score)) {
            hash(score);
        }
        n_samples_++;
        if (n_samples_ % SEQUENCE == 0) {
            power_cycle();
            gate_.reset(); // a new sequence; the history goes on
        }
    }

    // Store both states in blocks that outlast a reset of the processor, and start again from them.
    void power_cycle()
    {
        uint8_t of_history[HISTORY_SAVED_BYTES], of_gate[GATE_SAVED_BYTES];

        history_.save(of_history);
        gate_.save(of_gate);
        hash_ = hash_bytes(hash_, of_history, sizeof of_history);
        hash_ = hash_bytes(hash_, of_gate, sizeof of_gate);
        history_ = lmu_hw::history::Model();
        gate_ = lmu_hw::gate::Model();
        failed_ = failed_ || history_.load(of_history, sizeof of_history) != HISTORY_OK
            || gate_.load(of_gate, sizeof of_gate) != GATE_OK;
    }

    bool done() const { return n_samples_ >= N_SAMPLES; }
    bool failed() const { return failed_; }
    uint32_t hash() const { return hash_; }

private:
    template <class Word, size_t n> void hash(const Word (&words)[n])
    {
        for (size_t i = 0; i < n; i++) {
            hash_ = hash_word(hash_, words[i]);
        }
    }

    lmu_hw::history::Model history_;
    lmu_hw::gate::Model gate_;
    uint32_t noise_ = SENSOR_SEED;
    uint32_t hash_ = HASH_SEED;
    int n_samples_ = 0;
    bool failed_ = false;
};

Pair *in_tick;
volatile bool ticks_done, loop_is_busy;
volatile uint32_t n_interrupted;

void tick()
{
    if (in_tick->done()) {
        ticks_done = true;
        return;
    }
    if (loop_is_busy) {
        n_interrupted = n_interrupted + 1;
    }
    in_tick->sample();
}

} // namespace

int main()
{
    Pair in_loop, other;

    in_tick = &other;
    board_start_ticks(tick, TICK);
    loop_is_busy = true;
    while (!in_loop.done()) {
        in_loop.sample();
    }
    loop_is_busy = false;
    while (!ticks_done) {
        board_wait();
    }
    in_loop.power_cycle();
    other.power_cycle();
    print_number("loop", in_loop.hash());
    print_number("interrupt", other.hash());
    print_number("interrupted", n_interrupted);
    return in_loop.failed() || other.failed();
}
