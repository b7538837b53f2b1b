# Runs the cases with Ruby's generated stubs: client.rb ADDRESS. Prints a line a case, "ok NAME" or "failed NAME: why".
# RUBYLIB names the folder of the stubs. Over TLS with NMQ_TLS_CA and NMQ_TOKEN.

require "base64"
require "grpc"
require "google/protobuf/well_known_types"
require "json"
require "google/rpc/error_details_pb"
require "google/rpc/status_pb"
require "nmq/v1/message_queue_services_pb"
require "nmq/v1/registry_services_pb"

SECONDS = 60
DEFAULTS = [nil, false, "", "0", []].freeze
CODES = GRPC::Core::StatusCodes.constants.to_h { |name| [GRPC::Core::StatusCodes.const_get(name), name.to_s] }

class Mismatch < StandardError; end

def fill(value, variables)
  case value
  when Hash then value.transform_values { |entry| fill(entry, variables) }
  when Array then value.map { |entry| fill(entry, variables) }
  when /\A\$\{bytes:(\d+)\}\z/
    size = Regexp.last_match(1).to_i
    Base64.strict_encode64(((0..255).to_a.pack("C*") * (size / 256 + 1)).byteslice(0, size))
  when String then value.gsub(/\$\{(\w+)\}/) { variables.fetch(Regexp.last_match(1)) }
  else value
  end
end

# What is expected must be there; a default may be left out.
def check(expected, actual, where = "")
  wrong = ->(what) { raise Mismatch, "#{where} is #{actual.inspect[0, 80]}, not #{what}" }
  if expected.is_a?(Hash)
    wrong.call("there") unless actual.is_a?(Hash)
    expected.each { |key, value| check(value, actual[key], "#{where}.#{key}") }
  elsif DEFAULTS.include?(expected)
    wrong.call(expected.inspect) unless DEFAULTS.include?(actual)
  elsif expected.is_a?(Array)
    wrong.call("#{expected.size} entries") unless actual.is_a?(Array) && actual.size == expected.size
    expected.each_with_index { |value, index| check(value, actual[index], "#{where}[#{index}]") }
  elsif actual != expected
    wrong.call(expected.inspect[0, 80])
  end
end

# The code and the reason of a failed call.
def facts_of(error)
  status = Google::Rpc::Status.decode(error.metadata.fetch("grpc-status-details-bin", ""))
  any = status.details.find { |detail| detail.is(Google::Rpc::ErrorInfo) }
  [CODES[error.code], any ? any.unpack(Google::Rpc::ErrorInfo).reason : ""]
end

def plain(message)
  JSON.parse(message.to_json(preserve_proto_fieldnames: true))
end

class Case
  def initialize(stubs, name)
    @stubs = stubs
    @variables = { "n" => name }
    @streams = {}
  end

  def run(steps)
    steps.each { |step| run_step(fill(step, @variables)) }
  ensure
    @streams.each_value { |stream| stream[:operation].cancel }
  end

  private

  def run_step(step)
    if step["call"] then call(step)
    elsif step["open"] then open(step)
    elsif step["frame"] then check(step["expect"], frame(step["frame"]))
    elsif step["messages"] then messages(step)
    elsif step["cancel"] then @streams[step["cancel"]][:operation].cancel
    else expect_error(step["error"]) { frame(step["end"]) }
    end
  end

  # The stub, its method's name in Ruby, and the request.
  def prepare(method, request)
    name = method.gsub(/(.)([A-Z])/, '\1_\2').downcase.to_sym
    type = Nmq::V1.const_get("#{method}Request")
    [@stubs.find { |stub| stub.respond_to?(name) }, name, type.decode_json(JSON.generate(request))]
  end

  def open(step)
    stub, name, request = prepare(step["method"], step["request"])
    operation = stub.public_send(name, request, deadline: Time.now + SECONDS, return_op: true)
    @streams[step["open"]] = { operation: operation, frames: operation.execute, pending: [] }
  end

  def frame(stream)
    plain(@streams[stream][:frames].next)
  rescue StopIteration
    raise Mismatch, "the stream is over"
  end

  def messages(step)
    pending = @streams[step["messages"]][:pending]
    while pending.size < step["expect"].size
      got = frame(step["messages"])
      check({ "batch" => {} }, got)
      pending.concat(got["batch"]["messages"])
    end
    check(step["expect"], pending)
  end

  def call(step)
    stub, name, request = prepare(step["call"], step["request"])
    invoke = -> { stub.public_send(name, request, deadline: Time.now + step.fetch("deadline", SECONDS)) }
    return expect_error(step["error"], &invoke) if step["error"]

    tries = 0
    begin
      response = plain(invoke.call)
      check(step.fetch("expect", {}), response)
    rescue Mismatch
      raise unless step["until"] && (tries += 1) < 10_000
      retry
    end
    step.fetch("save", {}).each { |variable, field| @variables[variable] = response[field] }
  end

  def expect_error(expected)
    yield
    raise Mismatch, "no error, but #{expected} was expected"
  rescue GRPC::BadStatus => e
    check(expected, facts_of(e), "error")
  end
end

$stdout.sync = true
def credentials
  return :this_channel_is_insecure unless ENV.key?("NMQ_TLS_CA")

  bearer = ->(_) { { authorization: "Bearer #{ENV.fetch('NMQ_TOKEN')}" } }
  authority = GRPC::Core::ChannelCredentials.new(File.read(ENV.fetch("NMQ_TLS_CA")))
  authority.compose(GRPC::Core::CallCredentials.new(bearer))
end

channel = GRPC::Core::Channel.new(ARGV[0], { "grpc.max_receive_message_length" => -1 }, credentials)
stubs = [Nmq::V1::MessageQueue::Stub, Nmq::V1::Registry::Stub].map do |stub|
  stub.new(ARGV[0], :this_channel_is_insecure, channel_override: channel)
end
JSON.parse(File.read(File.join(__dir__, "cases.json"))).each_with_index do |test, number|
  Case.new(stubs, "ruby-#{number}").run(test["steps"])
  puts "ok #{test['name']}"
rescue Mismatch, GRPC::BadStatus, Google::Protobuf::ParseError => e
  puts "failed #{test['name']}: #{e.message.lines.first}"
end
