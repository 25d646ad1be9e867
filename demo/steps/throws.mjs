// Asks for a column that isn't there.
export function render(flights) {
  return flights.getChild('carrier').toArray();
}
