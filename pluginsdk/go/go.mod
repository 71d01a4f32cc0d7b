module github.com/featurehost/featurehost/pluginsdk/go

go 1.24
