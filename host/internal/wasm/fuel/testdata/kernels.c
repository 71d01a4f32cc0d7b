/* What feature code spends its time on, for the cost of fuel: each function
 * works on rows made by setup, and gives a checksum. Built by build.sh. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define ROWS 8192
#define WIDTH 64 /* room for a string */

static double x[ROWS], y[ROWS];
static int32_t keys[ROWS], offsets[ROWS + 1];
static uint8_t text[ROWS * WIDTH];

EXPORT(setup) void setup(void) {
  uint64_t s = 1;
  for (int i = 0; i < ROWS; i++) {
    s = s * 6364136223846793005u + 1442695040888963407u;
    x[i] = (double)(s >> 40) / 1000;
    y[i] = (double)(s >> 20 & 0xFFFF);
    keys[i] = (int32_t)(s >> 33) % 997;
    int n = 8 + (int)(s >> 50) % (WIDTH - 8);
    offsets[i + 1] = offsets[i] + n;
    for (int k = 0; k < n; k++) text[offsets[i] + k] = 'a' + (uint8_t)((s >> (k & 31)) % 26);
  }
}

EXPORT(axpy) double axpy(void) {
  for (int i = 0; i < ROWS; i++) y[i] = 1e-9 * x[i] + y[i];
  return y[ROWS / 2];
}

EXPORT(zscore) double zscore(void) {
  double sum = 0, squares = 0;
  for (int i = 0; i < ROWS; i++) sum += x[i];
  double mean = sum / ROWS;
  for (int i = 0; i < ROWS; i++) squares += (x[i] - mean) * (x[i] - mean);
  double deviation = sqrt(squares / ROWS), out = 0;
  for (int i = 0; i < ROWS; i++) {
    y[i] = (x[i] - mean) / deviation;
    out += y[i] > 1;
  }
  return out;
}

EXPORT(hash) double hash(void) { /* FNV-1a of each string */
  uint64_t all = 0;
  for (int i = 0; i < ROWS; i++) {
    uint64_t h = 14695981039346656037u;
    for (int32_t k = offsets[i]; k < offsets[i + 1]; k++) h = (h ^ text[k]) * 1099511628211u;
    all ^= h;
  }
  return (double)(all >> 12);
}

EXPORT(groupby) double groupby(void) { /* sums by key, open addressing */
  static int32_t slot[2048];
  static double sums[2048];
  memset(slot, 0xFF, sizeof slot);
  memset(sums, 0, sizeof sums);
  for (int i = 0; i < ROWS; i++) {
    uint32_t at = (uint32_t)keys[i] * 2654435761u >> 21;
    while (slot[at] != -1 && slot[at] != keys[i]) at = (at + 1) & 2047;
    slot[at] = keys[i];
    sums[at] += x[i];
  }
  double out = 0;
  for (int i = 0; i < 2048; i++) out += sums[i] > 6e4;
  return out;
}

static int32_t distance(const uint8_t *a, int32_t n, const uint8_t *b, int32_t m) {
  static int32_t row[WIDTH + 1];
  for (int32_t k = 0; k <= m; k++) row[k] = k;
  for (int32_t i = 0; i < n; i++) {
    int32_t corner = row[0];
    row[0] = i + 1;
    for (int32_t k = 0; k < m; k++) {
      int32_t up = row[k + 1], best = corner + (a[i] != b[k]);
      if (up + 1 < best) best = up + 1;
      if (row[k] + 1 < best) best = row[k] + 1;
      corner = up;
      row[k + 1] = best;
    }
  }
  return row[m];
}

EXPORT(levenshtein) double levenshtein(void) { /* neighbouring strings, of the first 256 */
  int64_t all = 0;
  for (int i = 0; i < 256; i++)
    all += distance(text + offsets[i], offsets[i + 1] - offsets[i], text + offsets[i + 1], offsets[i + 2] - offsets[i + 1]);
  return (double)all;
}

__attribute__((noinline)) static int64_t fib(int64_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static volatile int depth = 20;
EXPORT(recursion) double recursion(void) { return (double)fib(depth); }
