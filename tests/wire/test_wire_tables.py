import pytest
from google.protobuf.descriptor import FieldDescriptor, FileDescriptor, MethodDescriptor
from wire_tables import MESSAGES, METHODS, Field, Method, fields_of, methods_of

from lipstream.wire.pb import (
    compositing_pb2,
    inference_pb2,
    lipsync_pb2,
    lipsyncsrv_pb2,
    monolithic_pb2,
    optimized_lipsyncsrv_pb2,
)

FILES: dict[str, FileDescriptor] = {
    "monolithic": monolithic_pb2.DESCRIPTOR,
    "compositing": compositing_pb2.DESCRIPTOR,
    "inference": inference_pb2.DESCRIPTOR,
    "optimized_lipsyncsrv": optimized_lipsyncsrv_pb2.DESCRIPTOR,
    "lipsync": lipsync_pb2.DESCRIPTOR,
    "lipsyncsrv": lipsyncsrv_pb2.DESCRIPTOR,
}
KINDS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_DOUBLE: "double",
}


def described_field(field: FieldDescriptor) -> Field:
    kind = field.message_type.name if field.message_type else KINDS[field.type]
    optional = field.containing_oneof is not None
    return Field(field.number, field.name, kind, "repeated" if field.is_repeated else "optional" * optional)


def described_method(method: MethodDescriptor) -> Method:
    request = "stream " * method.client_streaming + method.input_type.name
    response = "stream " * method.server_streaming + method.output_type.name
    return Method(method.name, request, response)


def test_files_hold_the_messages_and_services_of_the_tables_and_no_others() -> None:
    files = FILES.values()
    assert {message.full_name for file in files for message in file.message_types_by_name.values()} == set(MESSAGES)
    assert {service.full_name for file in files for service in file.services_by_name.values()} == set(METHODS)
    assert {package: file.package for package, file in FILES.items()} == {package: package for package in FILES}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_has_the_fields_of_its_table(name: str) -> None:
    package, message = name.split(".")
    fields = FILES[package].message_types_by_name[message].fields
    assert [described_field(field) for field in fields] == fields_of(name)


@pytest.mark.parametrize("name", METHODS)
def test_service_has_the_methods_of_its_table(name: str) -> None:
    package, service = name.split(".")
    methods = FILES[package].services_by_name[service].methods
    assert [described_method(method) for method in methods] == methods_of(name)


@pytest.mark.parametrize("name", METHODS)
def test_messages_of_a_method_are_of_its_own_package(name: str) -> None:
    package, service = name.split(".")
    for method in FILES[package].services_by_name[service].methods:
        assert method.input_type.file is method.output_type.file is FILES[package]
