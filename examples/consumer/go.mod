module example.com/consumer

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	github.com/admitrpc/admit v0.0.0
	github.com/admitrpc/admit/proto v0.0.0
	google.golang.org/protobuf v1.36.12
)
