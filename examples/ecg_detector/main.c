/*
 * Tells ventricular beats from all others, on a Cortex-M4 without an operating system.
 *
 * The file `beats`, which stands for what a QRS detector and an ADC leave in memory, is read by
 * semihosting: the number of beats, then for each the sample it was found at and the signal around
 * it. A line goes to the console for each beat: where, V or -, the score. On a board of your own,
 * replace what is called semihost_... here; the rest stays.
 */
#include "ecg.h"
#include "semihost.h"

#define BEAT_LENGTH 84 /* samples at 120 Hz, from 0.3 s before the R wave on */
#define LINE_LENGTH 32

/* Exit codes. */
enum { DONE = 0, NO_FILE = 10, CUT_SHORT = 11, NOT_WRITTEN = 12, FAULT = 14, NO_SCORE = 17 };

/* One beat as it lies in the file: signed units of the ADC, zero at rest. */
struct beat {
    uint32_t found_at;
    int16_t samples[BEAT_LENGTH];
};

int main(void);
void program_done(int code);
void fault(void);

/* What the start-up code calls when main returns, and when the core faults. */
void program_done(int code)
{
    semihost_exit(code);
}

void fault(void)
{
    semihost_exit(FAULT);
}

/*
 * The network from reset, a sample at a time; only the last step computes a score. The units of the
 * ADC are those of the network's input: ecg_units.h makes words of them, of whatever width.
 */
static int32_t score_of(ecg_state *state, const struct beat *beat)
{
    ecg_out score[ECG_N_OUT];
    ecg_status status = ECG_OK;

    ecg_reset(state);
    for (size_t t = 0; t < BEAT_LENGTH; t++) {
        const ecg_in word = ecg_x_to_word_int(beat->samples[t]);

        status = ecg_step(state, &word, t + 1 == BEAT_LENGTH ? score : NULL);
    }
    if (status != ECG_OUTPUT) {
        semihost_exit(NO_SCORE);
    }
    return score[0];
}

/* Write a number in decimal; return where the text ends. */
static char *put_number(char *to, uint32_t n)
{
    char digits[10];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

static void print_beat(uintptr_t console, uint32_t found_at, int32_t score)
{
    char line[LINE_LENGTH];
    char *end = put_number(line, found_at);

    *end++ = ' ';
    *end++ = score > 0 ? 'V' : '-';
    *end++ = ' ';
    if (score < 0) {
        *end++ = '-';
    }
    end = put_number(end, score < 0 ? 0u - (uint32_t)score : (uint32_t)score);
    *end++ = '\n';
    semihost_write(console, line, (size_t)(end - line), NOT_WRITTEN);
}

int main(void)
{
    static ecg_state state;
    static struct beat beat;
    const uintptr_t file = semihost_open("beats", 5, SEMIHOST_RB, NO_FILE);
    const uintptr_t console = semihost_open(":tt", 3, SEMIHOST_WB, NO_FILE);
    uint32_t n_beats;

    ecg_init(&state);
    semihost_read(file, &n_beats, sizeof n_beats, CUT_SHORT);
    while (n_beats-- > 0) {
        semihost_read(file, &beat, sizeof beat, CUT_SHORT);
        print_beat(console, beat.found_at, score_of(&state, &beat));
    }
    return DONE;
}
