import { isCurve } from '../curve/data.js';
import { CurveFigure } from '../curve/figure.jsx';
import { DecisionFigure } from './decision.jsx';

/**
 * What the model makes of the points: the predicted class of each place, or the curve.
 *
 * @param {Parameters<typeof DecisionFigure>[0]} props
 */
export const OutputFigure = (props) =>
  isCurve(props.state.values.value) ? <CurveFigure {...props} /> : <DecisionFigure {...props} />;
