/*
 * Runs steps from given states, for a build with sanitizers; the arguments are the input and output
 * files.
 *
 * The input is a sequence of cases: a saved state, then N_STEPS rows of PREFIX_in words. The output
 * of a case is the PREFIX_out words of its steps with an output, then the saved state. Macros to
 * define: PREFIX, PREFIX_UPPER, HEADER, N_STEPS.
 */
#include HEADER

#include <stdio.h>

#define JOIN(a, b) a##b
#define NAME(a, b) JOIN(a, b)
#define API(name) NAME(PREFIX, name)
#define SIZE(name) NAME(PREFIX_UPPER, name)

/* Exit codes, for the report of a failure. */
enum { NO_FILES = 10, CUT_SHORT = 11, NOT_WRITTEN = 12, NOT_LOADED = 13 };

int main(int argc, char **argv)
{
    static uint8_t saved[SIZE(_SAVED_BYTES)];
    static API(_in) u[SIZE(_N_IN)];
    static API(_out) y[SIZE(_N_OUT)];
    static API(_state) s;
    FILE *input = argc == 3 ? fopen(argv[1], "rb") : NULL;
    FILE *output = argc == 3 ? fopen(argv[2], "wb") : NULL;

    if (input == NULL || output == NULL) {
        return NO_FILES;
    }
    while (fread(saved, sizeof saved, 1, input) == 1) {
        if (API(_load)(&s, saved, sizeof saved) != SIZE(_OK)) {
            return NOT_LOADED;
        }
        for (int t = 0; t < N_STEPS; t++) {
            if (fread(u, sizeof u, 1, input) != 1) {
                return CUT_SHORT;
            }
            if (API(_step)(&s, u, y) == SIZE(_OUTPUT) && fwrite(y, sizeof y, 1, output) != 1) {
                return NOT_WRITTEN;
            }
        }
        if (API(_save)(&s, saved, sizeof saved) != SIZE(_OK) || fwrite(saved, sizeof saved, 1, output) != 1) {
            return NOT_WRITTEN;
        }
    }
    (void)fclose(input); /* read only: nothing can be lost */
    return fclose(output) == 0 ? 0 : NOT_WRITTEN;
}
