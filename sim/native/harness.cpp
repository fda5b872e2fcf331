// Clock loop around a compiled model of an emitted design, called from Python.
//
// Drives steps into stream i and accepts words from stream o, with stalls on either side. Checks the
// rules of the streams in every cycle, and counts the cycles of every step. The caller compares the
// words. MODEL is the header of a simulator: cxxrtl.h or verilator.h.

#include <cstddef>
#include <cstdint>
#include <vector>

#include MODEL

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// Parameters of the rules; the fields are those of Rules in compiled_model.py.
struct Rules {
  uint64_t n_in, n_out;             // words per step, words per output
  uint64_t per_transfer;            // output words in a transfer, the first one lowest
  uint64_t in_width, out_width;     // bits of the payloads
  uint64_t out_signed;              // whether words of stream o are signed
  uint64_t cycles, quiet_cycles;    // published cycles of a step with an output, and without
  uint64_t apart;                   // least cycles from a step with an output to the next one
  uint64_t patience;                // most cycles without any transfer
};

enum Fault : uint64_t {
  NONE, STUCK, DROPPED, CHANGED, WRONG_LAST, EXTRA_WORD, UNSETTLED
};

// Counters; the fields are those of Record in compiled_model.py.
struct Record {
  uint64_t fault;                   // first broken rule; nothing runs after it
  uint64_t cycles;                  // clock edges, resets included
  uint64_t steps, words;            // steps accepted and words returned since the last reset
  uint64_t most_cycles;             // most cycles of a step with an output
  uint64_t wrong_steps;             // number of steps with wrong cycles
  uint64_t wrong_step, wrong_cycles, wrong_published;  // the first of them
};

// SplitMix64 (Steele, Lea, Flood 2014), which works with any seed.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t n) { return next() % n; }

 private:
  uint64_t state_;
};

enum Kind : uint64_t { NEVER, SOMETIMES, BURSTS };

// Stall pattern of one side of a stream.
class Stalls {
 public:
  Stalls(uint64_t kind, uint64_t amount, uint64_t seed)
      : kind_(kind), amount_(amount), random_(seed) {}
  bool never() const { return kind_ == NEVER; }
  bool next() {
    if (kind_ == NEVER) return false;
    if (kind_ == SOMETIMES) return (random_.next() >> 32) < amount_;  // probability * 2^32
    if (left_ == 0) {
      holding_ = !holding_;
      left_ = 1 + random_.below(amount_);  // the longest run
    }
    --left_;
    return holding_;
  }

 private:
  uint64_t kind_, amount_;
  Random random_;
  bool holding_ = true;
  uint64_t left_ = 0;
};

class Bench {
 public:
  Bench(const Rules& rules, uint64_t seed)
      : rules_(rules), model_(seed), words_(rules.per_transfer), held_words_(rules.per_transfer) {}

  const Record& record() const { return record_; }

  void stall(uint64_t in_kind, uint64_t in_amount, uint64_t out_kind, uint64_t out_amount,
             uint64_t seed) {
    in_stalls_ = Stalls(in_kind, in_amount, seed);
    out_stalls_ = Stalls(out_kind, out_amount, ~seed);
  }

  // Resets for one clock edge, in which an input word is offered that must not be taken.
  void reset() {
    model_.drive(true, true, 1, true, false);
    settle();
    model_.edge();
    ++record_.cycles;
    record_.steps = record_.words = word_ = 0;
    offered_ = held_ = measuring_ = false;
  }

  // Runs n_steps steps until all are accepted and n_wanted words have arrived, or for n_cycles at
  // most; returns the number of words. A further word is a fault.
  size_t play(const int64_t* words, const uint8_t* due, size_t n_steps, int64_t* out,
              size_t n_wanted, uint64_t n_cycles) {
    size_t step = 0, got = 0;
    uint64_t idle = 0;
    measuring_ = false;
    for (uint64_t k = 0; k < n_cycles && (step < n_steps || got < n_wanted); ++k) {
      const bool more = step < n_steps;
      const bool taken = cycle(more ? words + step * rules_.n_in : nullptr, more && due[step]);
      if (came_ && got < n_wanted) {
        for (uint64_t word : words_) out[got++] = extended(word);
      } else if (came_) {
        fail(EXTRA_WORD);
      }
      if (taken && word_ == 0) ++step;
      idle = taken || came_ ? 0 : idle + 1;
      if (idle > rules_.patience) fail(STUCK);
      if (record_.fault) break;
    }
    return got;
  }

  // Waits without stalls; an arriving word is a fault.
  void rest(uint64_t n_cycles) {
    in_stalls_ = out_stalls_ = Stalls(NEVER, 0, 0);
    for (uint64_t k = 0; k < n_cycles && !record_.fault; ++k) {
      cycle(nullptr, false);
      if (came_) fail(EXTRA_WORD);
    }
  }

 private:
  void fail(Fault fault) {
    if (!record_.fault) record_.fault = fault;
  }

  void settle() {
    if (!model_.settle()) fail(UNSETTLED);
  }

  // One clock cycle; returns whether a word was accepted. Sets came_ and words_ for an output transfer.
  bool cycle(const int64_t* words, bool due) {
    const uint64_t mask = ~uint64_t(0) >> (64 - rules_.in_width);
    const bool last_word = word_ + 1 == rules_.n_in;
    offered_ = words && (offered_ || !in_stalls_.next());
    // inputs that the design must ignore are inverted
    const uint64_t payload = offered_ ? uint64_t(words[word_]) & mask : ~payload_ & mask;
    const bool ready = !out_stalls_.next();
    payload_ = payload;
    model_.drive(false, offered_, payload, offered_ && last_word ? due : !due, ready);
    settle();
    const bool taken = offered_ && model_.i_ready();
    const bool valid = model_.o_valid();
    for (uint64_t k = 0; k < rules_.per_transfer; ++k) {
      words_[k] = model_.o_word(k * rules_.out_width, rules_.out_width);
    }
    const bool last = model_.o_last();
    if (held_ && !valid) fail(DROPPED);
    if (held_ && valid && (words_ != held_words_ || last != held_last_)) fail(CHANGED);
    came_ = valid && ready;
    if (came_) {
      record_.words += rules_.per_transfer;
      if (last != (record_.words % rules_.n_out == 0)) fail(WRONG_LAST);
    }
    held_ = valid && !ready;
    held_words_ = words_;
    held_last_ = last;
    model_.edge();
    ++record_.cycles;
    if (taken) {
      offered_ = false;
      word_ = last_word ? 0 : word_ + 1;
      if (last_word) count_step(due);
    }
    return taken;
  }

  // Counts a step at its last input word; the previous step took the cycles since its own.
  void count_step(bool due) {
    if (measuring_ && in_stalls_.never() && out_stalls_.never()) {
      const uint64_t took = record_.cycles - step_start_;
      uint64_t published = step_due_ ? rules_.cycles : rules_.quiet_cycles;
      const bool waits =
          due && due_start_ && due_start_ + rules_.apart > step_start_ + published;
      if (waits) published = due_start_ + rules_.apart - step_start_;
      if (step_due_ && !waits && took > record_.most_cycles) record_.most_cycles = took;
      if (took != published && record_.wrong_steps++ == 0) {
        record_.wrong_step = record_.steps - 1;
        record_.wrong_cycles = took;
        record_.wrong_published = published;
      }
    }
    if (!measuring_) due_start_ = 0;
    if (due) due_start_ = record_.cycles;
    measuring_ = true;
    step_start_ = record_.cycles;
    step_due_ = due;
    ++record_.steps;
  }

  int64_t extended(uint64_t word) const {
    if (!rules_.out_signed) return int64_t(word);
    const uint64_t top = uint64_t(1) << (rules_.out_width - 1);
    // drop the sign bits above the word in AXI's tdata
    return int64_t(((word & (2 * top - 1)) ^ top) - top);
  }

  Rules rules_;
  Model model_;
  Record record_ = Record();
  Stalls in_stalls_{NEVER, 0, 0}, out_stalls_{NEVER, 0, 0};
  uint64_t word_ = 0, payload_ = 0, step_start_ = 0, due_start_ = 0;
  std::vector<uint64_t> words_, held_words_;
  bool offered_ = false, held_ = false, held_last_ = false, came_ = false;
  bool measuring_ = false, step_due_ = false;
};

}  // namespace

EXPORT void* bench_open(const Rules* rules, uint64_t seed) { return new Bench(*rules, seed); }
EXPORT void bench_close(void* bench) { delete static_cast<Bench*>(bench); }
EXPORT void bench_reset(void* bench) { static_cast<Bench*>(bench)->reset(); }
EXPORT void bench_stall(void* bench, uint64_t in_kind, uint64_t in_amount, uint64_t out_kind,
                        uint64_t out_amount, uint64_t seed) {
  static_cast<Bench*>(bench)->stall(in_kind, in_amount, out_kind, out_amount, seed);
}
EXPORT size_t bench_play(void* bench, const int64_t* words, const uint8_t* due, size_t n_steps,
                         int64_t* out, size_t n_wanted, uint64_t n_cycles) {
  return static_cast<Bench*>(bench)->play(words, due, n_steps, out, n_wanted, n_cycles);
}
EXPORT void bench_rest(void* bench, uint64_t n_cycles) {
  static_cast<Bench*>(bench)->rest(n_cycles);
}
EXPORT void bench_record(const void* bench, Record* record) {
  *record = static_cast<const Bench*>(bench)->record();
}
