module nth

go 1.24

require github.com/featurehost/featurehost/pluginsdk/go v0.0.0

replace github.com/featurehost/featurehost/pluginsdk/go => ../../../../../pluginsdk/go
