// Asks once for the health of a service, as kubelet's gRPC probes do: with the same library, user agent and options.
// probe ADDRESS SERVICE TIMEOUT prints how it went, and ends with 1 if the probe fails.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"google.golang.org/grpc"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

func linger(_, _ string, connection syscall.RawConn) error {
	return connection.Control(func(descriptor uintptr) {
		_ = syscall.SetsockoptLinger(int(descriptor), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1, Linger: 1})
	})
}

func probe(address, service string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	dialer := net.Dialer{Control: linger}
	connection, err := grpc.DialContext(ctx, address, grpc.WithUserAgent("kube-probe/1.32"), grpc.WithBlock(), grpc.WithInsecure(),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", address)
		}))
	if err != nil {
		return fmt.Errorf("failed to connect service %q within %v: %w", address, timeout, err)
	}
	defer connection.Close()
	response, err := health.NewHealthClient(connection).Check(
		metadata.NewOutgoingContext(ctx, make(metadata.MD)), &health.HealthCheckRequest{Service: service})
	if err != nil {
		return fmt.Errorf("rpc probe failed: %w", err)
	}
	if response.GetStatus() != health.HealthCheckResponse_SERVING {
		return fmt.Errorf("service unhealthy (responded with %q)", response.GetStatus())
	}
	return nil
}

func main() {
	timeout, err := time.ParseDuration(os.Args[3])
	if err == nil {
		err = probe(os.Args[1], os.Args[2], timeout)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("service healthy")
}
