# Reads bodies as Perl does: lines of hex in, lines of JSON out.
use strict;
use JSON::PP;
$| = 1;
my $plain = JSON::PP->new->ascii;
sub at { my ($item) = @_; return ref $item eq 'HASH' && !ref $item->{$ARGV[0]} && defined $item->{$ARGV[0]} ? "$item->{$ARGV[0]}" : undef; }
while (my $line = <STDIN>) {
    chomp $line;
    my $value = eval { JSON::PP->new->utf8->decode(pack('H*', $line)) };
    my @readings = ref $value eq 'ARRAY' ? [map { at($_) } @$value] : ref $value eq 'HASH' ? [at($value)] : ();
    print $plain->encode(\@readings), "\n";
}
