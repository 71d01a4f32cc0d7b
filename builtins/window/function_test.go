package window_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
)

// Rule: S-930.
func TestFunctionByName(t *testing.T) {
	for name, want := range map[string]window.Function{
		"count": window.Count, "SUM": window.Sum, "mean": window.Avg, "avg": window.Avg, "std": window.StddevSamp, "stddev": window.StddevSamp,
		"stddev_samp": window.StddevSamp, "stddev_pop": window.StddevPop, "first": window.First, "last": window.Last, "min": window.Min, "max": window.Max,
		"first_non_null": window.FirstNonNull, "last_non_null": window.LastNonNull, "var_pop": window.VarPop, "variance": window.VarSamp, "var_samp": window.VarSamp,
		"skewness": window.Skewness, "Kurtosis": window.Kurtosis, "collect_list": window.CollectList, "collect_set": window.CollectSet,
		"count_distinct": window.CountDistinct, "countDistinct": window.CountDistinct, "countdistinct": window.CountDistinct,
		"sum_distinct": window.SumDistinct, "sumDistinct": window.SumDistinct, "approx_count_distinct": window.ApproxCountDistinct,
		"mode": window.Mode, "most_frequent_set": window.MostFrequentSet, "median": window.Median, "percentile": window.Percentile,
		"top_k": window.TopK, "bottom_k": window.BottomK, "first_k": window.FirstK, "last_k": window.LastK,
	} {
		if f, ok := window.FunctionByName(name); !ok || f != want {
			t.Errorf("%s is %v", name, f)
		}
	}
	for _, f := range window.Functions() {
		if g, ok := window.FunctionByName(f.String()); !ok || f != g {
			t.Errorf("%v is not found by its name", f)
		}
	}
	if n := len(window.Functions()); n != 28 {
		t.Errorf("%d functions", n)
	}
	if f, ok := window.FunctionByName("average"); ok {
		t.Errorf("average is %v", f)
	}
	if window.Function(0).String() != "unknown function" || window.ModeText.String() != "mode" || window.MostFrequentSetText.String() != "most_frequent_set" {
		t.Error("names")
	}
}

// The whole of table 9.4, type by type: "" is a refusal.
// Rule: S-930.
func TestResultType_Table(t *testing.T) {
	types := []string{"integer", "bigint", "float", "double", "decimal(12,2)", "string", "binary", "boolean", "date", "timestamp", "array<bigint>"}
	same := types
	scalars := append(append([]string{}, types[:10]...), "")
	lists := []string{"array<integer>", "array<bigint>", "array<float>", "array<double>", "array<decimal(12,2)>", "array<string>", "array<binary>", "array<boolean>",
		"array<date>", "array<timestamp>", ""}
	counts := []string{"bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", ""}
	sums := []string{"bigint", "bigint", "double", "double", "decimal(38,2)", "", "", "", "", "", ""}
	doubles := []string{"double", "double", "double", "double", "", "", "", "", "", "", ""}
	of := func(s string, but ...int) []string {
		out := make([]string, len(types))
		for i := range out {
			out[i] = s
		}
		for _, b := range but {
			out[b] = ""
		}
		return out
	}
	for f, want := range map[window.Function][]string{
		window.Count: of("bigint"), window.First: same, window.Last: same, window.FirstNonNull: same, window.LastNonNull: same,
		window.Min: scalars, window.Max: scalars, window.Mode: scalars, window.CountDistinct: counts, window.ApproxCountDistinct: counts,
		window.Sum: sums, window.SumDistinct: sums, window.Avg: {"double", "double", "double", "double", "decimal(38,6)", "", "", "", "", "", ""},
		window.StddevPop: doubles, window.StddevSamp: doubles, window.VarPop: doubles, window.VarSamp: doubles, window.Skewness: doubles, window.Kurtosis: doubles,
		window.Median: doubles, window.Percentile: doubles, window.CollectList: lists, window.CollectSet: lists, window.MostFrequentSet: lists,
		window.TopK: lists, window.BottomK: lists, window.FirstK: lists, window.LastK: lists,
		window.ModeText: of("string", 6, 10), window.MostFrequentSetText: of("array<string>", 6, 10),
	} {
		for i, name := range types {
			in, err := schema.ParseType(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := window.ResultType(f, in)
			switch {
			case want[i] == "" && !fault.Is(err, window.BadAggregate):
				t.Errorf("%v of %s: %v, want a refusal, got %v", f, name, err, got)
			case want[i] != "" && (err != nil || schema.TypeName(got) != want[i]):
				t.Errorf("%v of %s: %v %v, want %s", f, name, got, err, want[i])
			}
		}
	}
	if _, err := window.ResultType(window.Function(99), arrow.PrimitiveTypes.Int64); !fault.Is(err, window.BadAggregate) {
		t.Errorf("an unknown function: %v", err)
	}
	if _, err := window.ResultType(window.Count, arrow.PrimitiveTypes.Uint8); !fault.Is(err, window.BadAggregate) {
		t.Errorf("an unknown type: %v", err)
	}
	if _, err := window.ResultType(window.Avg, &arrow.Decimal128Type{Precision: 38, Scale: 35}); !fault.Is(err, window.BadAggregate) {
		t.Errorf("avg of 35 digits: %v", err)
	}
}

func TestParams_Check(t *testing.T) {
	for _, c := range []struct {
		f  window.Function
		p  window.Params
		ok bool
	}{
		{window.Percentile, window.Params{}, true},
		{window.Percentile, window.Params{P: 1}, true},
		{window.Percentile, window.Params{P: 1.01}, false},
		{window.Percentile, window.Params{P: -0.01}, false},
		{window.Median, window.Params{P: 0.5}, false},
		{window.TopK, window.Params{K: 1}, true},
		{window.TopK, window.Params{}, false},
		{window.BottomK, window.Params{K: -1}, false},
		{window.FirstK, window.Params{K: 3, P: 0.5}, false},
		{window.LastK, window.Params{K: 1 << 40}, false},
		{window.Sum, window.Params{K: 1}, false},
		{window.Count, window.Params{RSD: 0.05}, false},
		{window.ApproxCountDistinct, window.Params{}, true},
		{window.ApproxCountDistinct, window.Params{RSD: 0.39}, true},
		{window.ApproxCountDistinct, window.Params{RSD: 0.40}, false},
		{window.ApproxCountDistinct, window.Params{RSD: 0.0022}, true},
		{window.ApproxCountDistinct, window.Params{RSD: 0.002}, false},
		{window.ApproxCountDistinct, window.Params{RSD: -1}, false},
		{window.Mode, window.Params{}, true},
	} {
		err := c.p.Check(c.f)
		if (err == nil) != c.ok || err != nil && !fault.Is(err, window.BadParameter) {
			t.Errorf("%v with %+v: %v", c.f, c.p, err)
		}
	}
}
