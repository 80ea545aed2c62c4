# Reads bodies as Ruby does: lines of hex in, lines of JSON out.
require "json"
def at(item) = item.is_a?(Hash) && item[ARGV[0]].is_a?(String) ? item[ARGV[0]] : nil
STDOUT.sync = true
STDIN.each_line do |line|
  readings =
    begin
      value = JSON.parse([line.strip].pack("H*").force_encoding("UTF-8"))
      case value
      when Hash then [[at(value)]]
      when Array then [value.map { |item| at(item) }]
      else []
      end
    rescue JSON::ParserError, EncodingError
      []
    end
  puts JSON.generate(readings)
end
