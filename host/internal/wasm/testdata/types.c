/* Gives every column of its input back under the name out_*: the C SDK's
 * reading and writing of all types, row by row. Config "fail" makes it fail. */
#include "featurehost.h"

static char fail[16];
static bool loud;
static double times;

int plugin_open(const fh_config *config, const fh_batch *in, fh_output *out) {
  char name[300] = "out_";
  fh_config_string(config, "fail", fail, sizeof fail);
  loud = fh_config_bool(config, "loud", false);
  times = fh_config_number(config, "times", 1);
  if (!strcmp(fail, "config")) return fh_fail(FH_ERR_CONFIG, "fail says so");
  for (int i = 0; i < in->n_columns; i++) {
    strcpy(name + 4, in->columns[i].name);
    int status = fh_declare(out, name, in->columns[i].format, FH_NULLABLE);
    if (status) return status;
  }
  if (loud) fh_log(FH_LOG_INFO, "opened");
  return fh_find(in, "no such column") == -1 ? FH_OK : FH_ERR_SCHEMA;
}

int plugin_process(const fh_batch *in, fh_output *out) {
  if (!strcmp(fail, "data")) return fh_fail(FH_ERR_DATA, "fail says \xc3\xa9");
  for (int c = 0; c < in->n_columns; c++) {
    const fh_column *x = &in->columns[c];
    fh_result *y = &out->columns[c];
    if (x->format[0] == 'u' || x->format[0] == 'z') {
      for (int64_t i = 0; i < in->rows - !strcmp(fail, "rows"); i++) {
        int32_t n;
        const char *s = fh_text(x, i, &n);
        if (fh_is_null(x, i)) fh_append_null(y);
        else fh_append(y, s, (size_t)n);
      }
      continue;
    }
    if (c % 2) fh_copy_nulls(y, x);
    for (int64_t i = 0; i < in->rows; i++) {
      if (fh_is_null(x, i)) { fh_set_null(y, i); continue; }
      switch (x->format[0]) {
      case 'b': fh_set_bool(y, i, fh_bool(x, i)); break;
      case 'c': fh_int8s_of(y)[i] = fh_int8s(x)[i]; break;
      case 'C': fh_uint8s_of(y)[i] = fh_uint8s(x)[i]; break;
      case 's': fh_int16s_of(y)[i] = fh_int16s(x)[i]; break;
      case 'S': fh_uint16s_of(y)[i] = fh_uint16s(x)[i]; break;
      case 'i': fh_int32s_of(y)[i] = fh_int32s(x)[i]; break;
      case 'I': fh_uint32s_of(y)[i] = fh_uint32s(x)[i]; break;
      case 'l': fh_int64s_of(y)[i] = fh_int64s(x)[i]; break;
      case 'L': fh_uint64s_of(y)[i] = fh_uint64s(x)[i]; break;
      case 'f': fh_floats_of(y)[i] = fh_floats(x)[i]; break;
      case 'g': fh_doubles_of(y)[i] = fh_doubles(x)[i] * times; break;
      default:
        if (x->format[1] == 'd') fh_int32s_of(y)[i] = fh_int32s(x)[i];
        else fh_int64s_of(y)[i] = fh_int64s(x)[i];
      }
    }
  }
  return FH_OK;
}
