"""A client of shuntd in Python, with what the daemon itself says of its API: no generated code, no copies of .proto files.

Needs python3-grpcio and python3-protobuf (Debian 12). See orchestrator.py for what to do with it.

    shunt = Shunt.on_socket("/run/shunt/shuntd.sock")
    state = shunt.call("Get")
    shunt.call("Edit", edits=[{"update_real": {"service": "web", "real": "10.0.0.1:80", "values": {"weight": 5}}}])
"""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

_REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
# The whole state of 100,000 reals is some tens of megabytes.
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
            # A stream that waits for events must end when the other machine is gone. Not more often than each 10 s.
            ("grpc.keepalive_time_ms", 20000), ("grpc.keepalive_timeout_ms", 20000), ("grpc.http2.max_pings_without_data", 0)]


class ShuntError(Exception):
    """A call that was refused: `code` is gRPC's, `details` say field, reason, cause and remedy of each problem."""

    def __init__(self, code, message, details):
        super().__init__(f"{code.name}: {message}")
        self.code, self.details = code, details

    @property
    def was_overtaken(self):
        """Somebody else changed the state first: read it again and redo the change."""
        return self.code == grpc.StatusCode.ABORTED

    @property
    def is_away(self):
        """The daemon is stopping or not there: try again later."""
        return self.code == grpc.StatusCode.UNAVAILABLE


class Shunt:
    @classmethod
    def on_socket(cls, path):
        """As the local user: who may open the socket may do everything."""
        return cls(grpc.insecure_channel("unix:" + path, _OPTIONS))

    @classmethod
    def on_server(cls, server, ca, certificate, key):
        """By TLS; the files are PEM, and the certificate's name is listed under listener.tcp."""
        def read(path):
            with open(path, "rb") as file:
                return file.read()
        credentials = grpc.ssl_channel_credentials(read(ca), read(key), read(certificate))
        return cls(grpc.secure_channel(server, credentials, _OPTIONS))

    def __init__(self, channel):
        self._channel = channel
        self._pool = descriptor_pool.DescriptorPool()
        self._factory = message_factory.MessageFactory(self._pool)
        try:
            self._learn("shunt.v1.Shunt")
        except grpc.RpcError as error:
            raise self._error(error) from None
        self._service = self._pool.FindServiceByName("shunt.v1.Shunt")

    def call(self, name, /, timeout=30, **fields):
        """One question, one answer; fields are the request's, as in its JSON form or as messages."""
        method, request = self._prepare(name, fields)
        ask = self._channel.unary_unary("/shunt.v1.Shunt/" + name, type(request).SerializeToString, method.FromString)
        try:
            return ask(request, timeout=timeout)
        except grpc.RpcError as error:
            raise self._error(error) from None

    def stream(self, name, /, **fields):
        """Each message of a stream, as it comes."""
        method, request = self._prepare(name, fields)
        ask = self._channel.unary_stream("/shunt.v1.Shunt/" + name, type(request).SerializeToString, method.FromString)
        try:
            yield from ask(request)
        except grpc.RpcError as error:
            raise self._error(error) from None

    def _prepare(self, name, fields):
        method = self._service.FindMethodByName(name)
        request = self._factory.GetPrototype(method.input_type)()
        json_format.ParseDict(fields, request)
        return self._factory.GetPrototype(method.output_type), request

    def _error(self, error):
        details = []
        for key, value in error.trailing_metadata() or ():
            if key != "grpc-status-details-bin" or not hasattr(self, "_service"):
                continue
            status = self._factory.GetPrototype(self._pool.FindMessageTypeByName("shunt.v1.ErrorStatus")).FromString(value)
            detail = self._factory.GetPrototype(self._pool.FindMessageTypeByName("shunt.v1.ErrorDetail"))
            details = [detail.FromString(each.value) for each in status.details]
        return ShuntError(error.code(), error.details(), details)

    def _learn(self, symbol):
        """Asks the daemon for the files that describe `symbol`, and takes them with all that they import."""
        answer = self._reflection_answer()
        ask = self._channel.stream_stream(_REFLECTION, lambda text: b"\x22" + bytes([len(text)]) + text.encode(),
                                          answer.FromString)
        [found] = list(ask(iter([symbol]), timeout=30))
        files = {}
        for data in found.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            files[file.name] = file

        def add(name):
            file = files.pop(name, None)
            if file is None:
                return
            for imported in file.dependency:
                add(imported)
            self._pool.Add(file)
        while files:
            add(next(iter(files)))

    @staticmethod
    def _reflection_answer():
        """The part of grpc.reflection.v1alpha.ServerReflectionResponse that is read here."""
        file = descriptor_pb2.FileDescriptorProto(name="answer.proto", package="answer", syntax="proto3")
        field = descriptor_pb2.FieldDescriptorProto
        files = file.message_type.add(name="Files")
        files.field.add(name="file_descriptor_proto", number=1, type=field.TYPE_BYTES, label=field.LABEL_REPEATED)
        answer = file.message_type.add(name="Answer")
        answer.field.add(name="file_descriptor_response", number=4, type=field.TYPE_MESSAGE, type_name=".answer.Files",
                         label=field.LABEL_OPTIONAL)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("answer.Answer"))
