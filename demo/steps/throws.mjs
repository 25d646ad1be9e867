// Asks for a column that isn't there.
export default function ({ tables: { flights } }) {
  return flights.getChild('carrier').toArray();
}
