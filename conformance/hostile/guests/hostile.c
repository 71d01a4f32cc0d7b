/* A guest that breaks every rule of the ABI on demand: config key "mode" says
 * which, and a batch whose first value is 13 sets it off. With "good" it is a
 * decent map, column y = 2 x; with "keep" or "rows" a filter that keeps even
 * rows. Built by build.sh; the tests pack it with their manifests. */
#define FH_DECLARATIONS_ONLY
#include "featurehost.h"
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(name) __attribute__((import_module("featurehost_v1"), import_name(#name)))

IMPORT(log) void host_log(int32_t level, const char *p, uint32_t n);
IMPORT(set_error) void host_set_error(const char *p, uint32_t n);
IMPORT(counter_add) void host_counter_add(const char *p, uint32_t n, double d);
IMPORT(now_us) int64_t host_now_us(void);
IMPORT(watermark_us) int64_t host_watermark_us(void);

static char mode[64];
static int batch, rows_max = 65536;
static double *values; /* of the output column */
static uint8_t *bits;
static int32_t *offsets;
static char *bytes;

static bool armed = true; /* only batches whose first value is 13 meet the misdeed */
static volatile int zero;

static bool on(const char *m) { return !strcmp(mode, m); }
static bool is(const char *m) { return armed && on(m); }
static int say(int status, const char *text) {
  host_set_error(text, strlen(text));
  return status;
}

static volatile int deep;
__attribute__((noinline)) static int recurse(int n) {
  volatile char pad[64];
  pad[n & 63] = (char)n;
  return deep ? 0 : recurse(n + 1) + pad[n & 63];
}

/* -- work without an end; sum keeps the compiler from leaving it out -- */
static volatile unsigned sum;
static void spin(void) { for (;;) sum++; }
static void fills(void) { for (;;) memset(bytes, (int)sum++, 1 << 20); }
static void calls(void) { for (;;) sum += (unsigned)host_now_us(); }
static void logs(void) { for (;;) host_log(2, "again", 5); }
static void wide_logs(void) { memset(bytes, 1, 4096); for (;;) host_log(2, bytes, 4096); }
static void wide_errors(void) { memset(bytes, 1, 4096); for (;;) host_set_error(bytes, 4096); }
static void grows(void) { for (;;) sum += (unsigned)__builtin_wasm_memory_grow(0, 0xFFFF); }
__attribute__((noinline)) static unsigned doubling(unsigned n) { return n ? doubling(n - 1) + doubling(n - 1) + sum : 1; }

static int bomb(void) {
  while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1) {
  }
  return say(FH_ERR_MEMORY, "ate all of it");
}

EXPORT(fh_abi_version) int32_t version(void) { return FH_ABI_VERSION; }

EXPORT(fh_alloc) void *alloc(uint32_t size) {
  static void *slot;
  static int calls; /* configuration, two schemas and the slot come first */
  calls++;
  if (calls > 4 && size > 60000) {
    if (on("alloc_spin")) spin();
    if (on("alloc_zero")) return NULL;
    if (on("alloc_trap")) __builtin_trap();
    if (on("alloc_unaligned")) return (char *)aligned_alloc(64, (size + 127) & ~63u) + 8;
    if (on("alloc_outside")) return (void *)0xFFFFFFC0u;
    if (on("alloc_overlap")) return slot;
  }
  if (calls == 4 && on("alloc_overlap")) size = 1 << 20; /* the slot, with room behind it */
  void *p = aligned_alloc(64, (size + 63) & ~63u);
  if (calls == 4) slot = p;
  return p;
}

EXPORT(fh_free) void give(void *p, uint32_t size) {
  (void)size;
  if (!on("alloc_overlap")) free(p);
}

/* -- fh_init -- */

static struct ArrowSchema child[128], *table[128];
static int n_out;

static void column(const char *name, const char *format, int nullable) {
  struct ArrowSchema *s = &child[n_out];
  memset(s, 0, sizeof *s);
  s->format = format;
  s->name = name;
  s->flags = nullable ? FH_FLAG_NULLABLE : 0;
  table[n_out++] = s;
}

static const char *find(const char *json, uint32_t size) { /* the value of "mode" */
  static const char key[] = "\"mode\":\"";
  for (uint32_t i = 0; i + sizeof key - 1 < size; i++)
    if (!memcmp(json + i, key, sizeof key - 1)) return json + i + sizeof key - 1;
  return NULL;
}

EXPORT(fh_init) int32_t init(const char *json, uint32_t size, const struct ArrowSchema *in, struct ArrowSchema *out) {
  (void)in;
  const char *m = find(json, size);
  for (int i = 0; m && m[i] != '"' && i < 63; i++) mode[i] = m[i], mode[i + 1] = 0;
  values = aligned_alloc(64, 16 * (size_t)rows_max);
  bits = aligned_alloc(64, (size_t)rows_max);
  offsets = aligned_alloc(64, 4 * ((size_t)rows_max + 16));
  bytes = aligned_alloc(64, 1 << 20);
  memset(bytes, 'a', 1 << 20);
  memset(bits, 0xFF, (size_t)rows_max);
  memset(offsets, 0, 4 * ((size_t)rows_max + 16));

  if (is("init_trap")) __builtin_trap();
  if (is("init_spin")) spin();
  if (is("init_data")) return say(FH_ERR_DATA, "no");
  if (is("init_config")) return say(FH_ERR_CONFIG, "threshold is odd");
  if (is("init_schema")) return say(FH_ERR_SCHEMA, "x is odd");
  if (is("init_status")) return 199;

  if (!strncmp(mode, "text_", 5)) column("y", "u", 0);
  else if (is("decimal")) column("y", "d:3,0", 0);
  else if (is("other_type")) column("y", "l", 1);
  else if (is("other_name")) column("z", "g", 1);
  else if (is("replace_x")) column("x", "g", 1);
  else if (is("reserved")) column("fh_y", "g", 1);
  else if (is("unsupported")) column("y", "U", 1);
  else if (is("unterminated")) { memset(bytes, 'n', 400); column(bytes, "g", 1); }
  else if (is("name_not_utf8")) column("\xff", "g", 1);
  else if (is("name_outside")) column((const char *)0xFFFFFF00u, "g", 1);
  else if (is("not_null")) column("y", "g", 0);
  else if (is("alias")) for (int i = 0; i < 100; i++) {
    char *name = malloc(8);
    memcpy(name, "c\0\0\0", 4);
    name[1] = (char)('0' + i / 10);
    name[2] = (char)('0' + i % 10);
    column(name, "u", 0);
  }
  else if (!strncmp(mode, "keep", 4)) column("fh_keep", "b", 0);
  else if (!strncmp(mode, "rows", 4)) { column("fh_rows", "i", 0); column("nth", "g", 1); }
  else if (is("wrong_selection")) column("fh_keep", "i", 0);
  else column("y", "g", 1);

  memset(out, 0, sizeof *out);
  out->format = "+s";
  out->name = "";
  out->n_children = n_out;
  out->children = table;
  if (is("schema_children_outside")) out->children = (struct ArrowSchema **)0xFFFFFF00u;
  if (is("schema_many")) out->n_children = 1 << 30;
  return FH_OK;
}

/* -- fh_process -- */

EXPORT(fh_process) int32_t process(const struct ArrowArray *in, struct ArrowArray *out) {
  static struct ArrowArray a[128], *list[128];
  static const void *buffers[128][3], *none[1];
  const struct ArrowArray *x = in->children[0];
  const double *v = (const double *)x->buffers[1] + x->offset;
  const uint8_t *valid = x->null_count ? x->buffers[0] : NULL;
  int64_t n = in->length;
  batch++;
  armed = v[0] == 13;

  if (on("trap3") && batch == 3) { say(0, "the third"); __builtin_trap(); }
  if (on("trap_value")) for (int64_t i = 0; i < n; i++) if (v[i] == 13) { say(0, "13 is unlucky"); __builtin_trap(); }
  if (on("poison")) for (int64_t i = 0; i < n; i++) if (v[i] == 13) __builtin_trap();
  if (on("poison_data")) for (int64_t i = 0; i < n; i++) if (v[i] == 13) return say(FH_ERR_DATA, "13 is unlucky");
  if (on("poison_spin")) for (int64_t i = 0; i < n; i++) if (v[i] == 13) spin();
  if (on("tired") && batch > 1) __builtin_trap(); /* only a fresh instance works */
  if (is("spin")) spin();
  if (is("fills")) fills();
  if (is("calls")) calls();
  if (is("logs")) logs();
  if (is("wide_logs")) wide_logs();
  if (is("wide_errors")) wide_errors();
  if (is("grows")) grows();
  if (is("doubling")) return (int)doubling(60);
  if (is("divide")) return 7 / zero;
  if (is("outside")) return *(volatile int32_t *)0xFFFFFFF0u;
  if (is("recurse")) return recurse(0);
  if (is("bomb")) return bomb();
  if (is("nothing")) return FH_OK; /* and nothing written */
  if (on("stale") && batch == 1) say(0, "of an earlier call");
  if (is("stale")) __builtin_trap();
  if (is("status1")) return say(FH_ERR_DATA, "bad rows");
  if (is("status2")) return FH_ERR_CONFIG;
  if (is("status4")) return FH_ERR_MEMORY;
  if (is("status64")) return say(64, "its own code");
  if (is("status99")) return 99 + 100;
  if (is("status_negative")) return -5;
  if (is("status_end")) return -1;
  if (on("data_third") && batch % 3 == 0) return say(FH_ERR_DATA, "every third");
  if (is("flood")) for (int i = 0; i < 1000; i++) host_log(2, "again", 5);
  if (is("log_outside")) host_log(2, (const char *)0xFFFFFF00u, 0xFFFF);
  if (is("log_ok")) host_log(1, "hello \x1b[31m", 11);
  if (is("counters")) for (int i = 0; i < 100; i++) { char name[2] = {(char)('a' + i % 26), (char)('a' + i / 26)}; host_counter_add(name, 2, 1); }
  if (is("counter_name")) host_counter_add("Rows!", 5, 1);
  if (is("counter_endless")) for (int i = 0; i < 2; i++) host_counter_add("n", 1, 1e308);
  if (on("counter_poison")) {
    host_counter_add("seen", 4, (double)n);
    for (int64_t i = 0; i < n; i++) if (v[i] == 13) return say(FH_ERR_DATA, "13 is unlucky");
  }
  if (on("counter")) host_counter_add("seen", 4, (double)n / 2);
  if (on("clock") && (host_now_us() != 42 || host_watermark_us() != INT64_MIN)) return say(FH_ERR_DATA, "another clock");
  if (on("count_batches")) { /* tells a fresh instance from a used one */
    for (int64_t i = 0; i < n; i++) values[i] = batch;
  } else {
    for (int64_t i = 0; i < n; i++) values[i] = v[i] * 2;
  }
  if (on("grow")) __builtin_wasm_memory_grow(0, 800);

  memset(out, 0, sizeof *out);
  for (int i = 0; i < n_out; i++) {
    memset(&a[i], 0, sizeof a[i]);
    a[i].length = n;
    a[i].null_count = -1;
    a[i].n_buffers = 2;
    a[i].buffers = buffers[i];
    buffers[i][0] = valid;
    buffers[i][1] = values;
    buffers[i][2] = bytes;
    list[i] = &a[i];
  }
  out->length = n;
  out->n_buffers = 1;
  out->n_children = n_out;
  out->buffers = none;
  out->children = list;

  if (!strncmp(mode, "text_", 5) || on("alias")) {
    for (int i = 0; i < n_out; i++) {
      a[i].n_buffers = 3;
      buffers[i][0] = NULL;
      buffers[i][1] = offsets;
    }
    for (int64_t i = 0; i <= n; i++) offsets[i] = (int32_t)i;
  }
  if (on("alias") && !armed) for (int64_t i = 1; i <= n; i++) offsets[i] = 0;
  if (is("alias")) for (int64_t i = 1; i <= n; i++) offsets[i] = 1 << 20;
  if (is("text_falling")) offsets[1] = 7, offsets[2] = 3;
  if (is("text_negative")) offsets[0] = -1;
  if (is("text_overlong")) offsets[n] = INT32_MAX;
  if (is("text_not_utf8")) bytes[1] = (char)0xFF;
  if (is("text_outside")) buffers[0][2] = (void *)0xFFFFFFFFu;
  if (on("decimal")) { memset(values, armed ? 0x7F : 0, 16 * (size_t)n); buffers[0][0] = NULL; }

  if (is("pointer_outside")) buffers[0][1] = (void *)0xFFFFFF00u;
  if (is("pointer_null")) buffers[0][1] = NULL;
  if (is("children_outside")) out->children = (struct ArrowArray **)0xFFFFFFF0u;
  if (is("values_misaligned")) buffers[0][1] = (char *)values + 4;
  if (is("struct_misaligned")) list[0] = (struct ArrowArray *)((char *)&a[0] + 4);
  if (is("table_misaligned")) out->children = (struct ArrowArray **)((char *)list + 2);
  if (is("children_count")) out->n_children = n_out + 1;
  if (is("dictionary")) a[0].dictionary = &a[1];
  if (is("length_negative")) out->length = -1;
  if (is("length_huge")) out->length = INT64_MAX;
  if (is("length_short")) out->length = n - 1;
  if (is("child_short")) a[0].length = n - 1;
  if (is("offset_negative")) a[0].offset = -8;
  if (is("offset_huge")) a[0].offset = INT64_MAX;
  if (is("buffers_count")) a[0].n_buffers = 3;
  if (is("null_count")) a[0].null_count = n + 1;
  if (is("null_count_false")) { buffers[0][0] = bits; bits[0] = 0xFE; a[0].null_count = 2; }
  if (on("not_null")) { buffers[0][0] = bits; bits[0] = armed ? 0xFE : 0xFF; }
  if (on("pass")) { /* the input's own buffer */
    buffers[0][1] = x->buffers[1];
    a[0].offset = x->offset;
  }

  if (!strncmp(mode, "keep", 4)) {
    memset(bits, is("keep_all") ? 0xFF : is("keep_none") ? 0 : 0x55, (size_t)(n + 7) / 8);
    buffers[0][0] = NULL;
    buffers[0][1] = bits;
  }
  if (!strncmp(mode, "rows", 4)) {
    int64_t m = 0;
    for (int64_t i = 0; i < n; i += 2, m++) offsets[m] = (int32_t)i, values[m] = (double)m;
    if (is("rows_unsorted")) offsets[1] = offsets[0];
    if (is("rows_outside")) offsets[m - 1] = (int32_t)n;
    if (is("rows_negative")) offsets[0] = -1;
    buffers[0][0] = buffers[1][0] = NULL;
    buffers[0][1] = offsets;
    a[0].length = a[1].length = out->length = m;
  }
  return FH_OK;
}

EXPORT(fh_release) void release(struct ArrowArray *out) {
  (void)out;
  if (is("release_spin")) spin();
  if (is("release_trap")) __builtin_trap();
}
