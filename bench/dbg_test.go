package bench
import ("testing";"fmt")
func TestDbg(t *testing.T){ w:=drawWorld(30); s:=w.ending(nil); for _,e:=range s.rows { if e["ts"]==instant(1324947398765065) { fmt.Println("arr",e["arr"],"kb",e["kb"],"ks",e["ks"],"s",e["s"],"a",e["st_a"],"b",e["st_b"]) } } ; fmt.Println(w.names()) }
