package main

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

func health(ctx context.Context, address, service string) error {
	connection, err := dial(address)
	if err != nil {
		return err
	}
	defer connection.Close()
	answer, err := healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		return err
	}
	say(line{"event": "health", "status": answer.Status.String()})
	return nil
}

// services asks as grpcurl does: for the list, then for the files of each service, which have to make whole descriptors.
func services(ctx context.Context, address string) error {
	connection, err := dial(address)
	if err != nil {
		return err
	}
	defer connection.Close()
	stream, err := reflectionpb.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	if err != nil {
		return err
	}
	list, err := ask(stream, &reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		return err
	}
	methods := map[string][]string{}
	for _, service := range list.GetListServicesResponse().GetService() {
		described, err := describeService(stream, service.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", service.Name, err)
		}
		methods[service.Name] = described
	}
	say(line{"event": "services", "services": methods})
	return nil
}

type reflection = grpc.BidiStreamingClient[reflectionpb.ServerReflectionRequest, reflectionpb.ServerReflectionResponse]

func ask(stream reflection, request *reflectionpb.ServerReflectionRequest) (*reflectionpb.ServerReflectionResponse, error) {
	if err := stream.Send(request); err != nil {
		return nil, err
	}
	answer, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	if refused := answer.GetErrorResponse(); refused != nil {
		return nil, fmt.Errorf("%d %s", refused.ErrorCode, refused.ErrorMessage)
	}
	return answer, nil
}

func describeService(stream reflection, name string) ([]string, error) {
	answer, err := ask(stream, &reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
	})
	if err != nil {
		return nil, err
	}
	files := &descriptorpb.FileDescriptorSet{}
	for _, encoded := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(encoded, file); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(files.File, func(one *descriptorpb.FileDescriptorProto) bool { return one.GetName() == file.GetName() }) {
			files.File = append(files.File, file)
		}
	}
	registry, err := protodesc.NewFiles(files)
	if err != nil {
		return nil, err
	}
	return methodsOf(registry, name)
}

func methodsOf(registry *protoregistry.Files, name string) ([]string, error) {
	found, err := registry.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, err
	}
	service, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, fmt.Errorf("is no service")
	}
	names := []string{}
	for i := range service.Methods().Len() {
		names = append(names, string(service.Methods().Get(i).Name()))
	}
	return names, nil
}
