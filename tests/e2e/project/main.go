// Command app imports enough of the ecosystem to pull a real module graph.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func main() {
	root := &cobra.Command{Use: "app", RunE: func(*cobra.Command, []string) error {
		fmt.Println(gin.Version, grpc.Version, redis.Nil, clientv3.NoLease, zap.L().Name(), prometheus.DefBuckets)
		if len(os.Args) > 1 {
			cfg, err := config.LoadDefaultConfig(context.Background())
			if err != nil {
				return err
			}
			_ = s3.NewFromConfig(cfg)
			_, err = kubernetes.NewForConfig(&rest.Config{})
			return err
		}
		return nil
	}}
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
