module github.com/featurehost/featurehost/plugins/delay_score

go 1.24

require github.com/featurehost/featurehost/pluginsdk/go v0.0.0

replace github.com/featurehost/featurehost/pluginsdk/go => ../../pluginsdk/go
