/** Coordinates of the rows and columns. */
const tablePlaces = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5];

/**
 * A map as a table.
 *
 * @param {{ cell: (place: { x: number, y: number }) => string }} props
 */
export function PlaceTable({ cell }) {
  return (
    <table class="places">
      <thead>
        <tr>
          <th scope="col">y \ x</th>
          {tablePlaces.map((x) => (
            <th scope="col" key={x}>
              {x}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {[...tablePlaces].reverse().map((y) => (
          <tr key={y}>
            <th scope="row">{y}</th>
            {tablePlaces.map((x) => (
              <td key={x}>{cell({ x, y })}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
